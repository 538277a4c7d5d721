//! The body of a response, up to its bound.

use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::{Body, Incoming};

/// A body that is not read to its end.
#[derive(Debug)]
pub(crate) enum BodyProblem {
    /// There is more of it than may be.
    TooLarge,
    /// The connection broke, or what came is no HTTP.
    Broken(hyper::Error),
}

/// Reads a body by the pieces in which it comes; where one goes beyond the bound the rest is never read, and the connection
/// goes with it. What it says of its length is heeded before anything is read.
pub(crate) async fn read(response: Response<Incoming>, bytes_max: usize) -> Result<Vec<u8>, BodyProblem> {
    let mut body = response.into_body();
    let announced = body.size_hint().lower();
    if usize::try_from(announced).map_or(true, |announced| announced > bytes_max) {
        return Err(BodyProblem::TooLarge);
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(BodyProblem::Broken)?;
        // What is no data are trailers.
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > bytes_max - bytes.len() {
            return Err(BodyProblem::TooLarge);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}
