//! One case: what is run, and what must come of it.

use super::config::Config;
use super::instr::Instr;
use super::script::Script;
use super::types::local_type;
use super::values::Literal;
use super::verdict::Verdict;
use crate::fields::{Result, as_list, as_number, as_object, as_text, field, list, number, only, parts, text};
use opforge::protocol::LocalType;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// A case of the file.
#[derive(Clone, Debug)]
pub struct Case {
    /// Unique and stable.
    pub name: String,
    /// What the static check says.
    pub verdict: Verdict,
    /// What is checked.
    pub body: Body,
}

/// What a case checks.
#[derive(Clone, Debug)]
pub enum Body {
    /// What `compile()` makes of a local type.
    Compile {
        /// The type.
        ty: LocalType,
        /// The code.
        code: Vec<Instr>,
    },
    /// A run.
    Run(Box<Run>),
    /// Nothing: it says something that is not known here, or that the VM has no way to do. It fails.
    Unknown(String),
}

/// A run and how it must go.
#[derive(Clone, Debug)]
pub struct Run {
    /// The roles, in alphabetical order.
    pub roles: Vec<Role>,
    /// Sessions opened at the start, each with a coroutine for each role.
    pub instances: usize,
    /// How the machine behaves.
    pub config: Config,
    /// What is done before anything runs.
    pub setup: Vec<Setup>,
    /// What is done then.
    pub drive: Vec<Drive>,
    /// What the host decides.
    pub script: Script,
    /// How it must go.
    pub expect: Expect,
}

/// A role of the session.
#[derive(Clone, Debug)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// What it does.
    pub ty: LocalType,
    /// How it does it.
    pub code: Vec<Instr>,
}

/// Something that is done before anything runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setup {
    /// A role does not run.
    Pause(String),
    /// A register of a coroutine holds this.
    Register(usize, u32, Literal),
    /// The endpoint of a coroutine has a progress token.
    Token(usize),
}

/// A step of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drive {
    /// Runs so many ticks.
    Run(u64),
    /// A role does not run any more.
    Pause(String),
    /// A role runs again.
    Resume(String),
}

/// How a run must go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expect {
    /// How each [`Drive::Run`] ends.
    pub status: Vec<Status>,
    /// What happens, with its tick.
    pub events: Vec<(u64, Json)>,
    /// The registers that do not hold unit at the end, by coroutine; `None` where nothing is said.
    pub registers: Option<BTreeMap<usize, BTreeMap<u32, Json>>>,
}

/// How a run ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// All coroutines have halted.
    AllDone,
    /// None can run.
    Stuck,
    /// The ticks are over.
    MaxSteps,
    /// A coroutine trapped, for a reason of this name.
    Fault(String, usize),
    /// Something that no case expects.
    Other(String),
}

impl Case {
    /// Reads a file. A case that cannot be read is one that fails; the others can be run.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn from_file(text: &str) -> Result<Vec<Self>> {
        let json: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let schema = self::text(&json, "schema")?;
        if schema != "opforge.session-cases/1" {
            return Err(format!("schema {schema:?} is not known"));
        }
        let cases: Vec<Self> =
            as_list(field(&json, "cases")?)?.iter().map(Self::from_json).collect::<Result<_>>()?;
        if cases.is_empty() { Err("the file has no cases".to_owned()) } else { Ok(cases) }
    }

    fn from_json(json: &Json) -> Result<Self> {
        let name = text(json, "name")?;
        Ok(Self::read(json, &name).unwrap_or_else(|error| Self {
            name,
            verdict: Verdict::Accept,
            body: Body::Unknown(error),
        }))
    }

    fn read(json: &Json, name: &str) -> Result<Self> {
        let verdict = text(json, "verifier")?;
        // For people, and what another implementation did.
        let about = ["name", "kind", "doc", "ops", "verifier", "peer", "differs_because"];
        let known = |fields: &[&'static str]| only(json, &[&about, fields].concat());
        let (body, verdict) = match text(json, "kind")?.as_str() {
            "compile" => {
                known(&["compile", "expect"])?;
                let expect = field(json, "expect")?;
                only(expect, &["code"])?;
                let ty = local_type(field(json, "compile")?)?;
                let body = Body::Compile { ty, code: Instr::code(field(expect, "code")?)? };
                (body, Verdict::of_type(&verdict)?)
            }
            "run" => {
                let (run, says) = (
                    ["protocol", "programs", "config", "setup", "drive"],
                    ["handler", "instances", "expect"],
                );
                known(&[&run[..], &says].concat())?;
                (Body::Run(Box::new(Run::from_json(json)?)), Verdict::of_run(&verdict)?)
            }
            kind => return Err(format!("there is no kind {kind:?}")),
        };
        Ok(Self { name: name.to_owned(), verdict, body })
    }
}

impl Run {
    /// Ticks of a run that does not say how many.
    const TICKS: u64 = 200;

    fn from_json(json: &Json) -> Result<Self> {
        let protocol = field(json, "protocol")?;
        only(protocol, &["local"])?;
        let programs = field(json, "programs")?;
        let types = as_object(field(protocol, "local")?)?;
        let mut roles = Vec::with_capacity(types.len());
        for (name, ty) in types {
            let ty = local_type(ty).map_err(|error| format!("type of {name}: {error}"))?;
            let code = if programs == "compile" { programs } else { field(programs, name)? };
            let code = if code == "compile" { Instr::compiled(&ty) } else { Instr::code(code) };
            let code = code.map_err(|error| format!("program of {name}: {error}"))?;
            roles.push(Role { name: name.clone(), ty, code });
        }
        roles.sort_by(|a, b| a.name.cmp(&b.name));
        let drive = list(json, "drive")?.iter().map(Drive::from_json).collect::<Result<Vec<_>>>()?;
        let nothing = Json::Object(serde_json::Map::new());
        Ok(Self {
            roles,
            instances: if json.get("instances").is_some() { number(json, "instances")? } else { 1 },
            config: Config::from_json(json.get("config").unwrap_or(&nothing))?,
            setup: list(json, "setup")?.iter().map(Setup::from_json).collect::<Result<_>>()?,
            drive: if drive.is_empty() { vec![Drive::Run(Self::TICKS)] } else { drive },
            script: Script::from_json(json.get("handler").unwrap_or(&nothing))?,
            expect: Expect::from_json(field(json, "expect")?)?,
        })
    }
}

impl Run {
    /// Whether coroutines begin others.
    pub(super) fn spawns(&self) -> bool {
        self.roles.iter().flat_map(|role| &role.code).any(|instr| matches!(instr, Instr::Spawn { .. }))
    }
}

/// The only field of an object.
fn single(json: &Json) -> Result<(&str, &Json)> {
    let mut fields = as_object(json)?.iter();
    match (fields.next(), fields.next()) {
        (Some((name, value)), None) => Ok((name, value)),
        _ => Err(format!("not an object of one field: {json}")),
    }
}

impl Setup {
    fn from_json(json: &Json) -> Result<Self> {
        let coro = |json: &Json| as_number(json).ok_or_else(|| format!("{json} is no coroutine"));
        Ok(match single(json)? {
            ("pause", role) => Self::Pause(as_text(role)?.to_owned()),
            ("set_reg", of) => {
                let [of, reg, value] = parts(of)?;
                let reg = as_number(reg).ok_or_else(|| format!("{reg} is no register"))?;
                Self::Register(coro(of)?, reg, Literal::from_json(value)?)
            }
            ("token", of) => Self::Token(coro(as_list(of)?.first().unwrap_or(&Json::Null))?),
            (other, _) => return Err(format!("setup {other:?} is not one that can be done")),
        })
    }
}

impl Drive {
    fn from_json(json: &Json) -> Result<Self> {
        let role = |role: &Json| as_text(role).map(str::to_owned);
        Ok(match single(json)? {
            ("run", ticks) => {
                Self::Run(as_number(ticks).ok_or_else(|| format!("{ticks} is no number of ticks"))?)
            }
            ("pause", of) => Self::Pause(role(of)?),
            ("resume", of) => Self::Resume(role(of)?),
            (other, _) => return Err(format!("drive {other:?} is not known")),
        })
    }
}

impl Expect {
    fn from_json(json: &Json) -> Result<Self> {
        only(json, &["status", "events", "ticks", "regs"])?;
        let (events, ticks) = (as_list(field(json, "events")?)?, as_list(field(json, "ticks")?)?);
        if events.len() != ticks.len() {
            return Err(format!("{} events have {} ticks", events.len(), ticks.len()));
        }
        let tick = |tick: &Json| as_number(tick).ok_or_else(|| format!("{tick} is no tick"));
        let events = ticks.iter().zip(events).map(|(at, event)| Ok((tick(at)?, event.clone())));
        Ok(Self {
            status: as_list(field(json, "status")?)?.iter().map(Status::from_json).collect::<Result<_>>()?,
            events: events.collect::<Result<_>>()?,
            registers: json.get("regs").map(registers).transpose()?,
        })
    }
}

fn registers(json: &Json) -> Result<BTreeMap<usize, BTreeMap<u32, Json>>> {
    let bad = |key: &str| format!("{key:?} is no number");
    let of = |(coro, regs): (&String, &Json)| {
        let regs = as_object(regs)?.iter().map(|(reg, value)| {
            let reg = reg.parse().map_err(|_| bad(reg))?;
            Ok((reg, value.clone()))
        });
        Ok((coro.parse().map_err(|_| bad(coro))?, regs.collect::<Result<_>>()?))
    };
    as_object(json)?.iter().map(of).collect()
}

impl Status {
    fn from_json(json: &Json) -> Result<Self> {
        Ok(match json.as_str() {
            Some("all_done") => Self::AllDone,
            Some("stuck") => Self::Stuck,
            Some("max_steps") => Self::MaxSteps,
            Some(other) => return Err(format!("there is no status {other:?}")),
            None => {
                only(json, &["fault", "coro"])?;
                Self::Fault(text(json, "fault")?, number(json, "coro")?)
            }
        })
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AllDone => f.write_str("all_done"),
            Self::Stuck => f.write_str("stuck"),
            Self::MaxSteps => f.write_str("max_steps"),
            Self::Fault(fault, coro) => write!(f, "fault {fault} of coroutine {coro}"),
            Self::Other(what) => f.write_str(what),
        }
    }
}
