//! Snapshots: a machine between two ticks, to go back to.

use super::config::SessionConfig;
use super::error::SessionError;
use super::handler::EffectHandler;
use super::machine::SessionMachine;
use super::world::World;
use crate::heap::HeapImage;
use crate::interp::Module;

/// Everything that a machine was between two ticks: sessions, coroutines with their frames, the heap with linear
/// memories, the queue, events, fuel, and the tape. Not the handler and not the host's data, which are the embedder's.
///
/// Going back to it and running again does the same again, as long as the handler decides the same.
#[derive(Clone, Debug)]
pub struct Snapshot {
    module: Module,
    config: SessionConfig,
    world: World,
    heap: HeapImage,
}

impl Snapshot {
    /// The version of what snapshots hold. It is higher in a version of the VM that cannot go on from older ones.
    pub const VERSION: u32 = 1;

    /// Slices that had been begun.
    #[must_use]
    pub const fn ticks(&self) -> u64 {
        self.world.tick
    }
}

impl<T, H: EffectHandler> SessionMachine<T, H> {
    /// The machine as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            module: self.module.clone(),
            config: self.config.clone(),
            world: self.world.clone(),
            heap: self.instance.heap().image(),
        }
    }

    /// Makes the machine what it was. Handles of that time are good again; those that were made since are not.
    ///
    /// # Errors
    /// [`SessionError::OtherMachine`] if the snapshot is of another program or configuration; the machine stays as it is.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SessionError> {
        if !self.module.is(&snapshot.module) || self.config != snapshot.config {
            return Err(SessionError::OtherMachine);
        }
        if !self.instance.session_heap().restore(&snapshot.heap) {
            return Err(SessionError::OtherMachine);
        }
        self.world.clone_from(&snapshot.world);
        Ok(())
    }
}
