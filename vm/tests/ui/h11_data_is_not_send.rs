//! An instance goes to another thread only with data that may.

use opforge_vm::Instance;
use std::rc::Rc;

fn send(instance: Instance<Rc<i64>>) {
    std::thread::spawn(move || drop(instance));
}

fn main() {}
