//! A conversation as a verified program with a function for each role.

use opforge_testgen::Protocol;
use opforge_vm::Program;
use opforge_vm::builder::{BuildError, Party, Picks, ProgramBuilder};
use opforge_vm::ids::ShapeId;
use opforge_vm::verify::{CoherenceLimits, Coherent, VerifiedProgram, VerifyConfig, coherence, verify};

/// How the program comes by its local types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Types {
    /// The builder projects the global type, and the program keeps its text.
    Projected,
    /// Local types with names, and nothing about where they come from.
    Named,
}

/// A program that plays one conversation.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) program: Program,
    pub(crate) verified: VerifiedProgram,
    pub(crate) shape: ShapeId,
    /// By place of the role in the shape.
    pub(crate) parties: Vec<Party>,
    /// How it is known that the roles fit together; `None` if that is too much work.
    pub(crate) coherent: Option<Coherent>,
}

/// The program, which must verify and be coherent.
pub(crate) fn build(protocol: &Protocol, types: Types, picks: Picks) -> Result<Built, String> {
    let (program, shape, parties) = program(protocol, types, picks).map_err(|error| error.to_string())?;
    let limits = match types {
        Types::Projected => CoherenceLimits::new(),
        Types::Named => CoherenceLimits::new().states(2_000).work(1 << 21),
    };
    let coherent = match coherence(&program, shape, &limits) {
        Ok(coherent) => Some(coherent),
        Err(limit) if limit.is_limit() && types == Types::Named => None,
        Err(incoherence) => return Err(format!("the projections do not fit together: {incoherence}")),
    };
    if types == Types::Projected && coherent != Some(Coherent::Projected) {
        return Err(format!("projected, but {coherent:?}"));
    }
    let verified = verified(program.clone())?;
    Ok(Built { program, verified, shape, parties, coherent })
}

pub(crate) fn verified(program: Program) -> Result<VerifiedProgram, String> {
    verify(program, &VerifyConfig::new()).map_err(|report| format!("does not verify: {report}"))
}

fn program(
    protocol: &Protocol,
    types: Types,
    picks: Picks,
) -> Result<(Program, ShapeId, Vec<Party>), BuildError> {
    let mut builder = ProgramBuilder::new();
    let shape = match types {
        Types::Projected => builder.projected_shape("Talk", &protocol.global, &[])?,
        Types::Named => {
            for (role, ty) in &protocol.locals {
                builder.local(&format!("{role}Does"), ty)?;
            }
            let names: Vec<String> = protocol.locals.iter().map(|(role, _)| format!("{role}Does")).collect();
            let roles = protocol.locals.iter().zip(&names);
            let roles: Vec<_> = roles.map(|((role, _), name)| (role.as_str(), name.as_str())).collect();
            builder.shape("Talk", &roles, &[])?
        }
    };
    let mut parties = Vec::new();
    for (role, _) in &protocol.locals {
        parties.push(builder.party(&role.to_lowercase(), shape, role, picks)?);
    }
    Ok((builder.finish()?, shape, parties))
}
