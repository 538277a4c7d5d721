//! Definitions: every fixture in `invalid` is refused with the code that is its name, every valid one is without error.

use std::collections::BTreeSet;

use loonflow_engine::id::WorkflowId;
use loonflow_engine::runtime::PublishRequest;
use loonflow_engine::workflow::validate::{KnownWorkflows, Problem, ValidationContext, check};
use loonflow_tests::{TestServer, fixtures};
use serde_json::Value;

/// Errors of a definition against Acme's directory, with all fixture workflows there.
fn errors(server: &TestServer, source: &Value, stem: &str) -> Vec<Problem> {
    let directory = server
        .engine
        .directories()
        .of(&server.person("ada").tenant)
        .expect("Acme is there");
    let known: KnownWorkflows = fixtures::WORKFLOWS.into_iter().map(WorkflowId::from).collect();
    let context = ValidationContext {
        directory: Some(&directory),
        known_workflows: Some(&known),
    };
    let (version, problems) = check(source, Some(stem), &context);
    let errors: Vec<Problem> = problems.into_iter().filter(Problem::is_error).collect();
    assert_eq!(
        version.is_none(),
        !errors.is_empty(),
        "{stem}: a version is there where no error is"
    );
    errors
}

#[tokio::test]
async fn every_invalid_definition_is_refused_with_its_code_alone() {
    let server = TestServer::start().await;
    let files = fixtures::folder("invalid");
    assert_eq!(files.len(), 26);
    for (stem, source) in files {
        let errors = errors(&server, &source, &stem);
        let codes: BTreeSet<&str> = errors.iter().map(|problem| problem.code).collect();
        assert_eq!(codes, BTreeSet::from([stem.as_str()]), "{errors:#?}");
        for problem in &errors {
            assert!(problem.message.len() > 20, "{stem}: {problem}");
        }
        let position = server.position();
        let tenant = &server.person("ada").tenant;
        let refused = server
            .engine
            .workflows()
            .publish(PublishRequest {
                file_stem: Some(stem.clone()),
                ..PublishRequest::new(tenant.clone(), source)
            })
            .await
            .expect("no fault");
        assert_eq!(
            refused.expect_err("errors block publishing").code(),
            "invalid_definition",
            "{stem}"
        );
        assert_eq!(server.position(), position);
    }
}

#[tokio::test]
async fn every_valid_definition_has_no_error() {
    let server = TestServer::start().await;
    let files = fixtures::folder("workflows");
    let stems: Vec<&str> = files.iter().map(|(stem, _)| stem.as_str()).collect();
    assert_eq!(stems, fixtures::WORKFLOWS);
    for (stem, source) in &files {
        assert_eq!(errors(&server, source, stem), [], "{stem}");
    }
    assert_eq!(
        errors(&server, &fixtures::memo(), "memo").len(),
        1,
        "Acme does not know gina"
    );
}

/// The same content again is nothing; other content under the same name is refused.
#[tokio::test]
async fn a_published_version_never_changes() {
    let server = TestServer::start().await;
    let position = server.position();
    for id in fixtures::WORKFLOWS {
        server.publish(fixtures::workflow(id)).await;
    }
    assert_eq!(server.position(), position);
    let mut other = fixtures::workflow("leave");
    other["basic_info"]["description"] = "another".into();
    let tenant = &server.person("ada").tenant;
    let refused = server
        .engine
        .workflows()
        .publish(PublishRequest::new(tenant.clone(), other))
        .await;
    assert_eq!(
        refused.expect("no fault").expect_err("it is another").code(),
        "version_exists"
    );
    assert_eq!(server.position(), position);
}
