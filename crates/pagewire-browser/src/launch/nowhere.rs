//! Where no browser can be launched: Windows hands pipes to a program by inherited handles, which needs unsafe code.

use std::convert::Infallible;
use std::future::Ready;
use std::path::Path;

use super::{Ended, LaunchError, LaunchOptions};
use crate::transport::Transport;

/// A browser that was launched by us, of which there is none on this system.
#[derive(Debug)]
pub struct Browser(Infallible);

impl Browser {
    /// Refuses.
    ///
    /// # Errors
    ///
    /// Always [`LaunchError::NotOnThisSystem`], which says what to do instead.
    pub fn launch(_options: &LaunchOptions) -> Result<(Self, Transport), LaunchError> {
        Err(LaunchError::NotOnThisSystem)
    }

    /// The process.
    pub fn pid(&self) -> Option<u32> {
        match self.0 {}
    }

    /// Where it keeps its data.
    pub fn profile(&self) -> &Path {
        match self.0 {}
    }

    /// True when the browser has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        match self.0 {}
    }

    /// Waits until the browser ends, and says how it did.
    ///
    /// # Cancel safety
    ///
    /// Safe: a later call waits on.
    pub fn wait(&mut self) -> Ready<Ended> {
        match self.0 {}
    }

    /// Ends the browser.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future kills the browser.
    pub fn close(self) -> Ready<()> {
        match self.0 {}
    }
}
