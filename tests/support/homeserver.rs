//! A homeserver that remembers what it was told and fails when it is told to.

use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use keymaker::{
    domain::user::UsernameProblem,
    remote::homeserver::{Homeserver, HomeserverError, Provision},
};

#[derive(Default)]
pub struct FakeHomeserver {
    pub users: Mutex<BTreeSet<String>>,
    pub devices: Mutex<BTreeSet<(String, String)>>,
    pub calls: Mutex<Vec<String>>,
    /// Names that the homeserver gives to nobody.
    pub reserved: Mutex<BTreeSet<String>>,
    pub is_down: AtomicBool,
    /// Milliseconds before each call takes effect.
    pub delay: AtomicU64,
}

impl FakeHomeserver {
    pub fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    pub fn has_device(&self, user: &str, device: &str) -> bool {
        self.devices.lock().unwrap().contains(&(user.to_owned(), device.to_owned()))
    }

    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }

    async fn call(&self, call: String) -> Result<(), HomeserverError> {
        tokio::time::sleep(Duration::from_millis(self.delay.load(Ordering::SeqCst))).await;
        self.calls.lock().unwrap().push(call);
        match self.is_down.load(Ordering::SeqCst) {
            true => Err(HomeserverError::Unavailable("it is down".to_owned())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Homeserver for FakeHomeserver {
    async fn is_localpart_available(&self, localpart: &str) -> Result<Result<(), UsernameProblem>, HomeserverError> {
        self.call(format!("available {localpart}")).await?;
        if self.reserved.lock().unwrap().contains(localpart) {
            return Ok(Err(UsernameProblem::Reserved));
        }
        Ok(if self.users.lock().unwrap().contains(localpart) { Err(UsernameProblem::Taken) } else { Ok(()) })
    }

    async fn provision_user(&self, user: &Provision) -> Result<(), HomeserverError> {
        self.call(format!("provision {} {:?} locked={}", user.localpart, user.display_name, user.is_locked)).await?;
        self.users.lock().unwrap().insert(user.localpart.clone());
        Ok(())
    }

    async fn upsert_device(
        &self,
        localpart: &str,
        device_id: &str,
        _display_name: Option<&str>,
    ) -> Result<(), HomeserverError> {
        self.call(format!("upsert {localpart} {device_id}")).await?;
        if !self.users.lock().unwrap().contains(localpart) {
            return Err(HomeserverError::UnknownUser);
        }
        self.devices.lock().unwrap().insert((localpart.to_owned(), device_id.to_owned()));
        Ok(())
    }

    async fn delete_device(&self, localpart: &str, device_id: &str) -> Result<(), HomeserverError> {
        self.call(format!("delete {localpart} {device_id}")).await?;
        self.devices.lock().unwrap().remove(&(localpart.to_owned(), device_id.to_owned()));
        Ok(())
    }
}
