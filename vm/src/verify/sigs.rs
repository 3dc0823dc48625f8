//! Host signatures and call signatures.

use super::error::VerifyErrorKind;
use super::report::Errors;
use crate::ids::{CallSigId, HostSigId};
use crate::program::{Program, signature_hash};

/// Every host signature has a symbol and types, and declares the hash of those types.
pub(super) fn check_host_sigs(program: &Program, errors: &mut Errors) {
    for index in 0..program.host_sig_count() {
        let host_sig = HostSigId(index as u32);
        let found = program.host_sig(host_sig).filter(|sig| program.symbol(sig.symbol).is_some());
        let Some(sig) = found else {
            errors.add(program, None, VerifyErrorKind::HostSigMalformed { host_sig });
            continue;
        };
        let (declared, computed) = (sig.hash, signature_hash(sig.sig.params, sig.sig.results));
        if declared != computed {
            errors.add(program, None, VerifyErrorKind::HostSigHashMismatch { host_sig, declared, computed });
        }
    }
}

/// Every call signature has both of its type lists.
pub(super) fn check_call_sigs(program: &Program, errors: &mut Errors) {
    if !program.call_sigs.len().is_multiple_of(2) {
        let call_sig = CallSigId(program.call_sig_count() as u32);
        errors.add(program, None, VerifyErrorKind::CallSigMalformed { call_sig });
    }
}
