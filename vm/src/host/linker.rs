//! Resolves a module's imports.

use super::{Caller, HeapCaller, HostFault, IntoHostFunc, SlotFunc};
use crate::heap::ValueError;
use crate::interp::{Instance, Module};
use crate::lower::Import;
use crate::program::signature_hash;
use crate::trap::HostError;
use crate::value::Value;
use crate::value_type::{ValueType, write_types};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::task::Poll;

/// What a host function needs its instance to be allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Capability(Option<Arc<str>>);

impl Capability {
    /// Needs nothing: any program may call the function.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Needs the capability of this name, such as `log` or `net.connect`.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self(Some(name.into()))
    }
}

/// The capabilities granted to an instance. None by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(BTreeSet<Arc<str>>);

impl Capabilities {
    /// No capability.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Adds a capability.
    #[must_use]
    pub fn grant(mut self, name: &str) -> Self {
        self.0.insert(name.into());
        self
    }

    fn allow(&self, capability: &Capability) -> bool {
        capability.0.as_ref().is_none_or(|name| self.0.contains(name))
    }
}

/// What to do with imports that no function was registered for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unknown {
    /// Linking fails.
    #[default]
    Refuse,
    /// A call of the import traps with `HostCallFailed`.
    TrapWhenCalled,
}

/// Why one import could not be linked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LinkProblem {
    /// No function of this name is registered.
    Missing {
        /// The import's name.
        symbol: Arc<str>,
    },
    /// Functions of this name are registered, but none with the import's signature.
    Signature {
        /// The import's name.
        symbol: Arc<str>,
        /// Parameter types of the import.
        params: Box<[ValueType]>,
        /// Result types of the import.
        results: Box<[ValueType]>,
    },
    /// The function needs a capability that was not granted.
    Denied {
        /// The import's name.
        symbol: Arc<str>,
        /// The capability.
        capability: Arc<str>,
    },
    /// The program declares an effect that needs a capability which was not granted.
    EffectDenied {
        /// The name of the effect.
        effect: Arc<str>,
        /// The capability.
        capability: Arc<str>,
    },
}

impl LinkProblem {
    /// The stable code of the problem.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "H0001",
            Self::Signature { .. } => "H0002",
            Self::Denied { .. } => "H0003",
            Self::EffectDenied { .. } => "H0008",
        }
    }
}

impl fmt::Display for LinkProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error[{}]: ", self.code())?;
        match self {
            Self::Missing { symbol } => {
                write!(f, "import `{}`: no such host function is registered", symbol.escape_debug())
            }
            Self::Signature { symbol, params, results } => {
                write!(f, "import `{}`: registered with another signature than ", symbol.escape_debug())?;
                write_types(f, params)?;
                f.write_str(" -> ")?;
                write_types(f, results)
            }
            Self::Denied { symbol, capability } => write!(
                f,
                "import `{}` needs capability `{}`, which was not granted",
                symbol.escape_debug(),
                capability.escape_debug()
            ),
            Self::EffectDenied { effect, capability } => write!(
                f,
                "effect `{}` needs capability `{}`, which was not granted",
                effect.escape_debug(),
                capability.escape_debug()
            ),
        }
    }
}

/// All imports and effects of a module that could not be linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkError {
    /// One entry for each import, in import order, then one for each effect.
    pub problems: Vec<LinkProblem>,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{problem}", if i == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl core::error::Error for LinkError {}

struct Definition<T> {
    capability: Capability,
    func: SlotFunc<T>,
}

impl<T> Clone for Definition<T> {
    fn clone(&self) -> Self {
        Self { capability: self.capability.clone(), func: self.func.clone() }
    }
}

/// Host functions by name and signature. Instances of data type `T` are linked against it.
pub struct Linker<T> {
    functions: BTreeMap<(Arc<str>, u64), Definition<T>>,
    unknown: Unknown,
}

impl<T> fmt::Debug for Linker<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Linker").field("functions", &self.functions.len()).finish_non_exhaustive()
    }
}

impl<T> Default for Linker<T> {
    fn default() -> Self {
        Self { functions: BTreeMap::new(), unknown: Unknown::Refuse }
    }
}

/// A function of this name and signature is registered already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlreadyDefined {
    /// Its name.
    pub symbol: Arc<str>,
}

impl fmt::Display for AlreadyDefined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "host function `{}` is already registered with this signature", self.symbol.escape_debug())
    }
}

impl core::error::Error for AlreadyDefined {}

impl<T: 'static> Linker<T> {
    /// A linker without functions.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Says what happens to imports without a function.
    pub fn unknown_imports(&mut self, unknown: Unknown) -> &mut Self {
        self.unknown = unknown;
        self
    }

    /// Registers a typed function; its signature is that of the Rust function.
    ///
    /// # Errors
    /// [`AlreadyDefined`] if the name has a function of this signature.
    pub fn func<Args>(
        &mut self,
        symbol: &str,
        capability: Capability,
        func: impl IntoHostFunc<T, Args>,
    ) -> Result<&mut Self, AlreadyDefined> {
        let (params, results, func) = func.into_host_func();
        self.define(symbol, capability, signature_hash(&params, &results), func)
    }

    /// Registers a function over values, with its signature. It gets as many values as there are parameters
    /// and fills as many results, which start as [`Value::Unit`]. A result of another type than the
    /// signature's ends the run with `TypeMismatch`.
    ///
    /// # Errors
    /// [`AlreadyDefined`] if the name has a function of this signature.
    pub fn func_dyn<F>(
        &mut self,
        symbol: &str,
        capability: Capability,
        params: &[ValueType],
        results: &[ValueType],
        func: F,
    ) -> Result<&mut Self, AlreadyDefined>
    where
        F: Fn(&mut Caller<'_, T>, &[Value], &mut [Value]) -> Result<(), HostError> + Send + Sync + 'static,
    {
        self.func_heap(symbol, capability, params, results, move |caller, args, rets| {
            caller.reading(|caller, _| func(caller, args, rets))
        })
    }

    /// As [`Linker::func_dyn`], for functions that make aggregates in the run's heap.
    ///
    /// # Errors
    /// [`AlreadyDefined`] if the name has a function of this signature.
    pub fn func_heap<F>(
        &mut self,
        symbol: &str,
        capability: Capability,
        params: &[ValueType],
        results: &[ValueType],
        func: F,
    ) -> Result<&mut Self, AlreadyDefined>
    where
        F: Fn(&mut HeapCaller<'_, T>, &[Value], &mut [Value]) -> Result<(), HostError>
            + Send
            + Sync
            + 'static,
    {
        self.func_poll(symbol, capability, params, results, move |caller, args, rets| {
            Poll::Ready(func(caller, args, rets))
        })
    }

    /// As [`Linker::func_heap`], for functions that may be completed later: with [`Poll::Pending`] the run stops with
    /// [`Outcome::Pending`](crate::Outcome::Pending). Typed functions do so by returning a [`Poll`].
    ///
    /// # Errors
    /// [`AlreadyDefined`] if the name has a function of this signature.
    pub fn func_poll<F>(
        &mut self,
        symbol: &str,
        capability: Capability,
        params: &[ValueType],
        results: &[ValueType],
        func: F,
    ) -> Result<&mut Self, AlreadyDefined>
    where
        F: Fn(&mut HeapCaller<'_, T>, &[Value], &mut [Value]) -> Poll<Result<(), HostError>>
            + Send
            + Sync
            + 'static,
    {
        let hash = signature_hash(params, results);
        let (params, results): (Box<[_]>, Box<[_]>) = (params.into(), results.into());
        let slots = move |caller: &mut HeapCaller<'_, T>, args: &[u64], rets: &mut [u64]| {
            call_dyn(&func, (&params, &results), caller, args, rets)
        };
        self.define(symbol, capability, hash, SlotFunc::new(slots))
    }

    fn define(
        &mut self,
        symbol: &str,
        capability: Capability,
        hash: u64,
        func: SlotFunc<T>,
    ) -> Result<&mut Self, AlreadyDefined> {
        let key = (Arc::<str>::from(symbol), hash);
        if self.functions.contains_key(&key) {
            return Err(AlreadyDefined { symbol: key.0 });
        }
        self.functions.insert(key, Definition { capability, func });
        Ok(self)
    }

    /// Links a module's imports and makes an instance with the host's data.
    ///
    /// # Errors
    /// [`LinkError`] lists every import that is missing, has another signature, or needs a capability that is
    /// not granted, and every effect that needs such a capability. An effect names its capability itself; what protects
    /// the host from a program that names none is the handler, which sees the effect's name.
    pub fn instantiate(
        &self,
        module: &Module,
        data: T,
        granted: &Capabilities,
    ) -> Result<Instance<T>, LinkError> {
        let mut problems = Vec::new();
        let mut funcs = Vec::new();
        for import in module.program().imports.iter() {
            match self.resolve(import, granted) {
                Ok(func) => funcs.push(func),
                Err(problem) => problems.push(problem),
            }
        }
        problems.extend(denied_effects(module, granted));
        if !problems.is_empty() {
            return Err(LinkError { problems });
        }
        Ok(Instance::new(module.clone(), funcs.into(), data))
    }

    fn resolve(&self, import: &Import, granted: &Capabilities) -> Result<SlotFunc<T>, LinkProblem> {
        let symbol = import.symbol.clone();
        let Some(found) = self.functions.get(&(symbol.clone(), import.hash)) else {
            let named = self.functions.range((symbol.clone(), 0)..=(symbol.clone(), u64::MAX)).next();
            return match (named, self.unknown) {
                (None, Unknown::TrapWhenCalled) => Ok(failing(HostError::UnknownSymbol)),
                (Some(_), Unknown::TrapWhenCalled) => Ok(failing(HostError::SignatureMismatch)),
                (None, Unknown::Refuse) => Err(LinkProblem::Missing { symbol }),
                (Some(_), Unknown::Refuse) => Err(LinkProblem::Signature {
                    symbol,
                    params: import.params.clone(),
                    results: import.results.clone(),
                }),
            };
        };
        match &found.capability.0 {
            Some(name) if !granted.allow(&found.capability) => {
                Err(LinkProblem::Denied { symbol, capability: name.clone() })
            }
            _ => Ok(found.func.clone()),
        }
    }
}

/// Effects whose capability was not granted.
fn denied_effects<'a>(
    module: &'a Module,
    granted: &'a Capabilities,
) -> impl Iterator<Item = LinkProblem> + 'a {
    let names = &module.program().session_names;
    let effects = names.effects.iter().zip(&names.capabilities);
    effects.filter(|(_, capability)| !capability.is_empty() && !granted.0.contains(*capability)).map(
        |(effect, capability)| LinkProblem::EffectDenied {
            effect: effect.clone(),
            capability: capability.clone(),
        },
    )
}

fn failing<T: 'static>(error: HostError) -> SlotFunc<T> {
    SlotFunc::new(move |_: &mut HeapCaller<'_, T>, _: &[u64], _: &mut [u64]| Err(error.clone().into()))
}

fn call_dyn<T>(
    func: &impl Fn(&mut HeapCaller<'_, T>, &[Value], &mut [Value]) -> Poll<Result<(), HostError>>,
    (params, results): (&[ValueType], &[ValueType]),
    caller: &mut HeapCaller<'_, T>,
    args: &[u64],
    rets: &mut [u64],
) -> Result<(), Box<HostFault>> {
    let mut at = 0;
    let mut values = Vec::with_capacity(params.len());
    for &ty in params {
        values.push(caller.heap.load_value(ty, args.get(at..).unwrap_or(&[])));
        at += ty.slots() as usize;
    }
    let mut out = vec![Value::Unit; results.len()];
    let heap = caller.heap.identity();
    match func(caller, &values, &mut out) {
        Poll::Ready(done) => done?,
        Poll::Pending => return Err(Box::new(HostFault::Pending)),
    }
    // Native code goes on with the addresses of the heap that it has had before.
    if caller.heap.identity() != heap {
        return Err(HostError::failed("another heap is in the place of the run's").into());
    }
    let mut rest = rets;
    for (index, (value, &ty)) in (0..).zip(out.iter().zip(results)) {
        let stored = caller.heap.store_value(value, ty).map_err(|error| match error {
            ValueError::Type { expected, actual } => {
                Box::new(HostFault::ResultType { index, expected, actual })
            }
            ValueError::MemoryLimitExceeded => Box::new(HostFault::MemoryLimit),
            other => HostError::failed(alloc::format!("{other}")).into(),
        })?;
        let width = (ty.slots() as usize).min(rest.len());
        let (now, later) = rest.split_at_mut(width);
        for (slot, value) in now.iter_mut().zip(stored) {
            *slot = value;
        }
        rest = later;
    }
    Ok(())
}

impl<T> Linker<T> {
    /// The names of registered functions, sorted.
    pub fn symbols(&self) -> impl Iterator<Item = String> {
        self.functions.keys().map(|(symbol, _)| String::from(&**symbol))
    }
}
