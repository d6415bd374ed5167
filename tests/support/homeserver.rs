//! A homeserver that remembers what it was told and fails when it is told to.

use std::{
    collections::{BTreeMap, BTreeSet},
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
    /// It takes no users, and does the rest.
    pub is_down_for_provisioning: AtomicBool,
    /// It does what it is told, and its answers get lost.
    pub loses_answers: AtomicBool,
    /// What users are called.
    pub names: Mutex<BTreeMap<String, String>>,
    /// What devices are called.
    pub device_names: Mutex<BTreeMap<(String, String), String>>,
    /// Device ids that it gives to nobody.
    pub refused_devices: Mutex<BTreeSet<String>>,
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

    pub fn device_name(&self, user: &str, device: &str) -> Option<String> {
        self.device_names.lock().unwrap().get(&(user.to_owned(), device.to_owned())).cloned()
    }

    /// How many devices it was told to delete, or tried to.
    pub fn deletions(&self) -> usize {
        self.calls.lock().unwrap().iter().filter(|call| call.starts_with("delete ")).count()
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
        if self.is_down_for_provisioning.load(Ordering::SeqCst) {
            return Err(HomeserverError::Unavailable("it takes no users".to_owned()));
        }
        self.users.lock().unwrap().insert(user.localpart.clone());
        if let Some(name) = &user.display_name {
            self.names.lock().unwrap().insert(user.localpart.clone(), name.clone());
        }
        Ok(())
    }

    async fn display_name(&self, localpart: &str) -> Result<Option<String>, HomeserverError> {
        self.call(format!("query {localpart}")).await?;
        Ok(self.names.lock().unwrap().get(localpart).cloned())
    }

    async fn unset_display_name(&self, localpart: &str) -> Result<(), HomeserverError> {
        self.call(format!("unname {localpart}")).await?;
        self.names.lock().unwrap().remove(localpart);
        Ok(())
    }

    async fn upsert_device(
        &self,
        localpart: &str,
        device_id: &str,
        display_name: Option<&str>,
    ) -> Result<(), HomeserverError> {
        self.call(format!("upsert {localpart} {device_id}")).await?;
        if !self.users.lock().unwrap().contains(localpart) {
            return Err(HomeserverError::UnknownUser);
        }
        if self.refused_devices.lock().unwrap().contains(device_id) {
            return Err(HomeserverError::Refused {
                status: 400,
                errcode: "M_INVALID_PARAM".to_owned(),
                message: String::new(),
            });
        }
        let device = (localpart.to_owned(), device_id.to_owned());
        if let Some(name) = display_name {
            self.device_names.lock().unwrap().insert(device.clone(), name.to_owned());
        }
        self.devices.lock().unwrap().insert(device);
        match self.loses_answers.load(Ordering::SeqCst) {
            true => Err(HomeserverError::Unavailable("the answer was lost".to_owned())),
            false => Ok(()),
        }
    }

    async fn delete_device(&self, localpart: &str, device_id: &str) -> Result<(), HomeserverError> {
        self.call(format!("delete {localpart} {device_id}")).await?;
        let device = (localpart.to_owned(), device_id.to_owned());
        self.device_names.lock().unwrap().remove(&device);
        self.devices.lock().unwrap().remove(&device);
        Ok(())
    }

    async fn allow_cross_signing_reset(&self, localpart: &str) -> Result<(), HomeserverError> {
        self.call(format!("reset {localpart}")).await
    }

    async fn delete_user(&self, localpart: &str, erase: bool) -> Result<(), HomeserverError> {
        self.call(format!("deactivate {localpart} erase={erase}")).await?;
        self.devices.lock().unwrap().retain(|(user, _)| user != localpart);
        Ok(())
    }

    async fn reactivate_user(&self, localpart: &str) -> Result<(), HomeserverError> {
        self.call(format!("reactivate {localpart}")).await
    }
}
