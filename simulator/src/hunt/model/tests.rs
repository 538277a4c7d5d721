//! The model stays a second implementation: no file of it but `compare` may know the engine.

use std::path::Path;

#[test]
fn no_file_but_compare_names_the_engine() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/hunt");
    let mut files = vec![source.join("model.rs")];
    let folder = std::fs::read_dir(source.join("model")).expect("the model's folder");
    files.extend(folder.map(|entry| entry.expect("an entry").path()));
    assert!(files.len() > 10, "the model's files: {files:?}");
    // Put together here, for this file is one of them.
    let name = ["loonflow", "engine"].join("_");
    for file in files.iter().filter(|file| !file.ends_with("compare.rs")) {
        let text = std::fs::read_to_string(file).expect("a source file");
        assert!(!text.contains(&name), "{} names the engine", file.display());
    }
    let compare = std::fs::read_to_string(source.join("model/compare.rs")).expect("a source file");
    assert!(compare.contains(&name), "the check looks for the right name");
}
