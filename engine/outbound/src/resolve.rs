//! Names to addresses.
//!
//! Not here: whether they may be connected to (`guard`), and how long one waits (`connect`).

use std::future::Future;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{Semaphore, oneshot};

use crate::limits::LOOKUPS_MAX;

/// Addresses to come.
pub type Resolved = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Finds the addresses of a name.
pub trait Resolve: Send + Sync + 'static {
    /// All addresses of a name, in the order in which they are to be tried. Asked anew for each connection.
    fn resolve(&self, name: &str) -> Resolved;
}

/// The system's resolver, with its files, caches and order.
#[derive(Debug, Clone)]
pub struct SystemResolver {
    lookups: Arc<Semaphore>,
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self {
            lookups: Arc::new(Semaphore::new(LOOKUPS_MAX)),
        }
    }
}

impl Resolve for SystemResolver {
    /// A lookup cannot be broken off, so it has a thread of its own and keeps its permit until it has ended. On the
    /// runtime's threads, names whose servers are silent would keep files and passwords waiting, and a stop too.
    fn resolve(&self, name: &str) -> Resolved {
        let (name, lookups) = (name.to_owned(), Arc::clone(&self.lookups));
        Box::pin(async move {
            let permit = lookups.acquire_owned().await.map_err(io::Error::other)?;
            let (tell, told) = oneshot::channel();
            let look_up = move || {
                let found = (name.as_str(), 0).to_socket_addrs();
                // Nobody listens any more where the wait was too long.
                let _ = tell.send(found.map(|addresses| addresses.map(|address| address.ip()).collect()));
                drop(permit);
            };
            std::thread::Builder::new().name("resolver".to_owned()).spawn(look_up)?;
            told.await.map_err(io::Error::other)?
        })
    }
}
