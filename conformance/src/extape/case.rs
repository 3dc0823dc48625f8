//! One line of an EXTAPE case file.

use super::class::Class;
use crate::base64;
use crate::engine::{RunLimits, TrapAt};
use crate::fields::{Result, field, list, number, text};
use crate::value::CaseValue;
use serde_json::Value as Json;

/// A container, what must become of it, and runs.
#[derive(Clone, Debug)]
pub struct Case {
    /// Unique and stable.
    pub name: String,
    /// The container.
    pub container: Vec<u8>,
    /// What the reference implementation made of it.
    pub verdict: Verdict,
    /// Whether it is written back byte for byte; `None` where nothing is said.
    pub canonical: Option<bool>,
    /// Points on which this VM may differ on purpose.
    pub tags: Vec<Class>,
    /// Runs of valid containers.
    pub runs: Vec<Run>,
}

/// What becomes of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It decodes and verifies.
    Valid,
    /// The decoder refuses it, with an error of this name.
    DecodeError(String),
    /// The verifier refuses it, with an error of this name.
    VerifyError(String),
    /// The reference implementation crashed; an ordinary error is wanted.
    PeerCrash,
}

/// One run of a program.
#[derive(Clone, Debug)]
pub struct Run {
    /// The function; it may not exist.
    pub entry: u32,
    /// Arguments; they may not fit.
    pub args: Vec<CaseValue>,
    /// Limits.
    pub limits: RunLimits,
    /// How the run ends.
    pub expect: Expect,
    /// Fuel taken off by then.
    pub fuel_used: u64,
    /// Calls that reached the host.
    pub host_calls: u64,
}

/// How a run ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// With these results.
    Results(Vec<CaseValue>),
    /// In this trap.
    Trap(TrapAt),
}

impl Case {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with the line. Fields that are not known are refused where they could change what is checked.
    pub fn from_json(json: &Json) -> Result<Self> {
        let tags = list(json, "tags")?.iter().map(|tag| {
            let known = tag.as_str().and_then(Class::from_tag);
            known.ok_or_else(|| format!("unknown tag {tag}"))
        });
        let canonical = json.get("canonical").map(|value| {
            value.as_bool().ok_or_else(|| format!("field \"canonical\" is not true or false: {value}"))
        });
        Ok(Self {
            name: text(json, "name")?,
            container: base64::decode(&text(json, "container")?)?,
            verdict: Verdict::from_json(field(json, "verdict")?)?,
            canonical: canonical.transpose()?,
            tags: tags.collect::<Result<_>>()?,
            runs: list(json, "runs")?.iter().map(Run::from_json).collect::<Result<_>>()?,
        })
    }

    /// Reads a file: one case a line.
    ///
    /// # Errors
    /// The number of the first bad line, counted from 1, and what is wrong with it; or that there is no case.
    pub fn from_lines(text: &str) -> Result<Vec<Self>> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let cases = lines.map(|(at, line)| {
            let json = serde_json::from_str(line).map_err(|error| error.to_string());
            json.and_then(|json| Self::from_json(&json)).map_err(|error| format!("line {}: {error}", at + 1))
        });
        let cases = cases.collect::<Result<Vec<_>>>()?;
        if cases.is_empty() { Err("the file has no cases".to_owned()) } else { Ok(cases) }
    }

    /// Whether the case stands in the group of cases that are refused for one reason each, where names of errors
    /// mean something.
    #[must_use]
    pub fn has_one_cause(&self) -> bool {
        self.name.starts_with("rejected/")
    }
}

impl Verdict {
    fn from_json(json: &Json) -> Result<Self> {
        if json == "valid" {
            return Ok(Self::Valid);
        }
        let name = |key: &str| json.get(key).and_then(Json::as_str).map(str::to_owned);
        let refused = name("decode_error")
            .map(Self::DecodeError)
            .or_else(|| name("verify_error").map(Self::VerifyError))
            .or_else(|| name("peer_crash").map(|_| Self::PeerCrash));
        refused.ok_or_else(|| format!("unknown verdict {json}"))
    }
}

impl Run {
    fn from_json(json: &Json) -> Result<Self> {
        let limits = match json.get("limits") {
            None => RunLimits::default(),
            Some(limits) => RunLimits {
                fuel: number(limits, "fuel")?,
                max_call_depth: number(limits, "max_call_depth")?,
                max_host_calls: number(limits, "max_host_calls")?,
            },
        };
        let host_calls = if json.get("host_calls").is_some() { number(json, "host_calls")? } else { 0 };
        Ok(Self {
            entry: number(json, "entry")?,
            args: CaseValue::list_from_json(field(json, "args")?)?,
            limits,
            expect: Expect::from_json(field(json, "expect")?)?,
            fuel_used: number(json, "fuel_used")?,
            host_calls,
        })
    }
}

impl Expect {
    fn from_json(json: &Json) -> Result<Self> {
        if let Some(values) = json.get("ok") {
            return Ok(Self::Results(CaseValue::list_from_json(values)?));
        }
        let trap = field(json, "trap")?;
        let span = field(trap, "span_id")?;
        Ok(Self::Trap(TrapAt {
            kind: text(trap, "kind")?,
            func: number(trap, "func")?,
            pc: number(trap, "pc")?,
            span: if span.is_null() { None } else { Some(number(trap, "span_id")?) },
            detail: trap.get("detail").cloned().unwrap_or(Json::Null),
        }))
    }
}
