//! What can be wrong with sessions: what a program declares about them, and what its code does with endpoints.

use core::fmt;

/// A table of what a program declares about sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionTable {
    /// Names of roles.
    Role,
    /// Names of labels.
    Label,
    /// Payloads of messages.
    Payload,
    /// States of local types.
    State,
    /// Local types with names.
    Local,
    /// Shapes of sessions.
    Shape,
    /// Effects.
    Effect,
    /// Guard layers.
    Layer,
}

impl fmt::Display for SessionTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Role => "role",
            Self::Label => "label",
            Self::Payload => "payload",
            Self::State => "state",
            Self::Local => "local type",
            Self::Shape => "shape",
            Self::Effect => "effect",
            Self::Layer => "layer",
        })
    }
}

/// Where types are spelled out that cannot be linear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypePlace {
    /// A signature for indirect calls.
    CallSig,
    /// A host signature.
    HostSig,
    /// A struct type.
    Struct,
    /// An array element type.
    Array,
    /// The declared shape of a parameter.
    ParamShape,
    /// An effect.
    Effect,
}

impl fmt::Display for TypePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CallSig => "call sig",
            Self::HostSig => "host sig",
            Self::Struct => "struct",
            Self::Array => "elem",
            Self::ParamShape => "parameter shape",
            Self::Effect => "effect",
        })
    }
}

/// Declares an enum of reasons with their words.
macro_rules! reasons {
    ($($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident $text:literal,)* })*) => {$(
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name { $($(#[$vmeta])* $variant,)* }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $text,)* })
            }
        }
    )*};
}

reasons! {
    /// What is wrong with a payload.
    PayloadFault {
        /// It is evidence, or an endpoint without a state.
        Class "is of a class that no message carries",
        /// A tuple holds itself or a later payload.
        Forward "is a tuple of payloads that are not declared before it",
        /// A tuple holds an endpoint.
        Endpoint "is a tuple that holds an endpoint",
        /// An endpoint of a shape, role or state that does not exist.
        Missing "is an endpoint of a shape, role or state that does not exist",
        /// An endpoint in a state that its role never comes to.
        Unreachable "is an endpoint in a state that its role never comes to",
        /// The same as an earlier one.
        Duplicate "is declared twice",
    }

    /// What is wrong with a state.
    StateFault {
        /// The partner does not exist.
        Partner "names a partner that does not exist",
        /// It sends or receives without branches.
        NoBranches "has no branches",
        /// It is an end with branches.
        EndBranches "is an end and has branches",
        /// Its branches do not exist.
        Branches "names branches that do not exist",
        /// A label does not exist.
        Label "has a branch with a label that does not exist",
        /// Labels are out of order, or one stands twice.
        Order "has branches that are not sorted by label, each once",
        /// A payload does not exist.
        Payload "has a branch with a payload that does not exist",
        /// A branch leads to a state that does not exist.
        Next "has a branch that leads to a state that does not exist",
    }

    /// What is wrong with a shape.
    ShapeFault {
        /// It has no roles.
        NoRoles "has no roles",
        /// It has too many.
        TooManyRoles "has more than 256 roles",
        /// Its roles are not in the table.
        Roles "names roles that do not exist",
        /// One role stands twice.
        RoleTwice "has a role twice",
        /// A role begins in a state that does not exist.
        Entry "has a role that begins in a state that does not exist",
        /// Its edges are not in the table.
        Edges "names edges that do not exist",
        /// The text of its global type does not exist.
        Global "has a global type whose text does not exist",
    }

    /// What is wrong with an edge.
    EdgeFault {
        /// Nobody sends on it.
        Unused "is used by no state of the shape",
        /// It is not declared.
        Missing "is used and not declared",
        /// It stands twice, or not in order.
        Order "is not in its place: edges are sorted by sender and receiver, each once",
        /// It holds nothing.
        Capacity "has room for no message",
        /// The most it may hold is less than what it holds at first, or differs though it never grows.
        Max "may come to hold another number of messages than its policy says",
    }

    /// What is wrong with an effect.
    EffectFault {
        /// It has no types.
        Types "has no parameter and result types",
        /// It has more than one result.
        Results "has more than one result",
        /// The name of its capability does not exist.
        Capability "needs a capability whose name does not exist",
    }

    /// What is wrong with the linear type of a parameter or result.
    LinearFault {
        /// The function does not exist.
        Function "is of a function that does not exist",
        /// The parameter or result does not exist.
        Place "is of a parameter or result that does not exist",
        /// The parameter or result is of another class.
        Class "does not fit the class in the signature",
        /// Only parameters are handles.
        HandleResult "makes a handle of a result",
        /// Not in its place.
        Order "is not in its place: they are sorted by function and place, each once",
        /// Shape, role, state or layer do not exist.
        Missing "names a shape, role, state or layer that does not exist",
        /// The role never comes to the state.
        Unreachable "names a state that its role never comes to",
    }

    /// Where a function or coroutine ends while something is held.
    FrameEnd {
        /// The coroutine halts.
        Halt "the coroutine ends",
        /// The function returns.
        Return "the function returns",
        /// The function ends in a tail call.
        TailCall "the function ends in a tail call",
        /// A function is called that may end the coroutine.
        HaltingCall "a function is called that may end the coroutine",
    }

    /// Why an instruction cannot be undone, so that a speculation must not hold it.
    NotUndone {
        /// It opens, closes, gives away, acquires or releases something, or begins a coroutine.
        Session "it changes who holds what",
        /// The function or the coroutine ends.
        End "it ends the function or the coroutine",
        /// It calls the host.
        Host "it calls the host",
        /// It writes memory.
        Memory "it writes memory",
        /// The effect does not say that it may be undone.
        Effect "the effect is not declared as speculative",
        /// It calls a function that does one of these.
        Callee "the function that it calls does something that cannot be undone",
        /// It sends or receives a message that carries an endpoint, or calls a function that may do so.
        Delegation "it sends or receives an endpoint in a message",
        /// It calls a function that is not known.
        Indirect "which function it calls is not known",
    }
}

/// Adds the kinds of this file to those handed on, and declares them all.
macro_rules! session_kinds {
    ($($before:tt)*) => {
        error_kinds! {
            $($before)*

    /// A name that is missing, empty or taken.
    "V1101" SessionName {
        /// Which table.
        table: SessionTable,
        /// The entry, counted from 0.
        index: u32,
    } "{table} {index} has a name that does not exist, is empty, or is that of another {table}",
      "give each a name of its own";

    /// A payload that cannot be one.
    "V1102" PayloadMalformed {
        /// The payload, counted from 0.
        payload: u32,
        /// What is wrong.
        fault: PayloadFault,
    } "payload {payload} {fault}", "declare values, tuples of earlier payloads, or endpoints in a state of their role";

    /// A state that makes no sense.
    "V1103" StateMalformed {
        /// The state, counted from 0.
        state: u32,
        /// What is wrong.
        fault: StateFault,
    } "state {state} {fault}", "build the tables from local types, as the assembler does";

    /// A local type that begins in a state that does not exist.
    "V1104" LocalMalformed {
        /// The local type, counted from 0.
        local: u32,
    } "local type {local} begins in a state that does not exist", "build the tables from local types, as the assembler does";

    /// A shape that makes no sense.
    "V1105" ShapeMalformed {
        /// The shape.
        shape: ShapeId,
        /// What is wrong.
        fault: ShapeFault,
    } "{shape} {fault}", "give it 1 to 256 different roles, each with a local type";

    /// A role that talks to somebody who has no part in the session.
    "V1106" ShapePartner {
        /// The shape.
        shape: ShapeId,
        /// The place of the role.
        role: u16,
        /// The state.
        state: u32,
    } "role {role} of {shape} talks to itself, or to a role that the shape does not have",
      "give the shape every role that its local types name";

    /// An edge that is missing, or that should not be there.
    "V1107" ShapeEdge {
        /// The shape.
        shape: ShapeId,
        /// The place of the sender.
        from: u16,
        /// The place of the receiver.
        to: u16,
        /// What is wrong.
        fault: EdgeFault,
    } "the edge from role {from} to role {to} of {shape} {fault}",
      "declare exactly the edges on which the roles send, with room for 1 message or more";

    /// An effect that makes no sense.
    "V1108" EffectMalformed {
        /// The effect.
        effect: EffectId,
        /// What is wrong.
        fault: EffectFault,
    } "{effect} {fault}", "declare parameters, and one result or none";

    /// A guard layer that nobody can hold.
    "V1109" LayerCapacity {
        /// The layer.
        layer: LayerId,
    } "{layer} can be held by nobody", "give it a capacity of 1 or more";

    /// The linear type of a parameter or result that makes no sense.
    "V1110" LinearMalformed {
        /// The entry, counted from 0.
        entry: u32,
        /// What is wrong.
        fault: LinearFault,
    } "linear type {entry} {fault}",
      "declare one for each parameter and result of class chan or evidence, and for no other";

    /// A parameter or result that is linear, and nobody says what exactly.
    "V1111" LinearMissing {
        /// The parameter or result.
        place: Place,
    } "{place} is an endpoint or evidence, of which it is not said what is left to do, or which layer it is of",
      "declare its shape, role and state, or its layer";

    /// A type that is linear where no such type can stand.
    "V1112" LinearClass {
        /// Where.
        place: TypePlace,
        /// The entry of that table, counted from 0.
        index: u32,
        /// The type.
        class: ValueType,
    } "{place} {index} has {class}, which is never stored, passed to the host or called for indirectly",
      "pass endpoints and evidence to functions by name, or send endpoints in messages";

    /// A table with more entries than can be named.
    "V1113" SessionTableTooLong {
        /// Which table.
        table: SessionTable,
        /// How many entries there are.
        count: u32,
        /// How many there may be.
        max: u32,
    } "{count} entries of table {table} are more than the limit of {max}", "declare fewer";

    /// A register that holds no endpoint where one is needed.
    "V1201" NotAnEndpoint {
        /// The register.
        reg: Reg,
    } "{reg} holds no endpoint here", "use a register that an endpoint was opened, received or passed into";

    /// A register whose endpoint or evidence is gone.
    "V1202" UsedAfterMove {
        /// The register.
        reg: Reg,
    } "the endpoint or evidence in {reg} was moved or used up before, or is there only on some paths",
      "use it before it is moved, sent, passed, closed, transferred or released";

    /// A message is sent on an endpoint that does not send now.
    "V1203" EndpointCannotSend {
        /// The register.
        reg: Reg,
    } "nothing can be sent on {reg} now", "follow the local type of the endpoint";

    /// A message is received on an endpoint that does not receive now.
    "V1204" EndpointCannotReceive {
        /// The register.
        reg: Reg,
    } "nothing can be received on {reg} now", "follow the local type of the endpoint";

    /// A message without label where there is a choice.
    "V1205" NeedsLabel {
        /// The register.
        reg: Reg,
        /// The number of labels.
        labels: u32,
    } "{reg} has a choice of {labels} labels here", "use offer and choose where there is a choice";

    /// A label that the endpoint does not have here.
    "V1206" LabelNotInState {
        /// The register of the endpoint.
        reg: Reg,
        /// The label, by number.
        label: u32,
    } "this label is none of those that {reg} has here", "use a label of the state";

    /// A label that may arrive and is not chosen for.
    "V1207" LabelMissing {
        /// The register of the endpoint.
        reg: Reg,
        /// The first label that is missing, by number.
        label: u32,
        /// How many are missing.
        missing: u32,
    } "{missing} of the labels that may arrive on {reg} have no target",
      "give a target to each label of the state";

    /// A label that stands twice.
    "V1208" LabelTwice {
        /// The label, by number.
        label: u32,
    } "a label has two targets", "give one target to each label";

    /// A value is given where the label carries none, or the other way round.
    "V1209" PayloadPresence {
        /// The register of the endpoint.
        reg: Reg,
        /// The label, by number.
        label: u32,
    } "this label carries a value and none is given, or carries none and one is given",
      "give a value exactly where the label carries one";

    /// A message that carries an endpoint, and something else is given.
    "V1210" PayloadEndpoint {
        /// The register of the value.
        reg: Reg,
    } "the message carries an endpoint of another shape, role or state than {reg} has",
      "send an endpoint that is exactly in the state which the message names";

    /// An endpoint or evidence in the hands of an instruction that is not for them.
    "V1211" LinearUse {
        /// The register.
        reg: Reg,
    } "{reg} is an endpoint or evidence, which this instruction must not read or make",
      "endpoints and evidence are moved, passed, sent, used and given up, never copied or stored";

    /// An endpoint with something left to do, or evidence, is overwritten.
    "V1212" LinearOverwritten {
        /// The register.
        reg: Reg,
    } "this overwrites {reg}, which is an endpoint that has something left to do, or evidence",
      "finish, move, close or release it first";

    /// Something is held where nothing may be.
    "V1213" StillHeld {
        /// The register.
        reg: Reg,
        /// Why nothing may be held.
        end: FrameEnd,
    } "{end} and {reg} is still an endpoint that has something left to do, or evidence",
      "finish, pass on, close or release it first";

    /// A guard layer is released without evidence of holding it.
    "V1214" EvidenceMismatch {
        /// The register.
        reg: Reg,
        /// The layer.
        layer: LayerId,
    } "{reg} is no evidence of {layer}", "release what acquire of the same layer gave";

    /// A speculation ends that never began.
    "V1215" NoSpeculation {} "no speculation is open here", "begin it with fork, in the same function";

    /// Something inside of a speculation that cannot be undone.
    "V1216" RefusedInSpeculation {
        /// Why.
        why: NotUndone,
    } "this must not stand between fork and the join or abort of it: {why}",
      "do it before the fork, or after the join or abort";

    /// Speculations within speculations, too many.
    "V1217" SpeculationTooDeep {
        /// The limit.
        max: u32,
    } "more than {max} speculations are open within each other here",
      "join or abort before forking again, or raise the limit in VerifyConfig";

    /// Two paths meet with an endpoint in different states.
    "V1218" JoinDiffers {
        /// The register.
        reg: Reg,
        /// Where one path comes from: the last instruction before.
        left: u32,
        /// Where the other comes from.
        right: u32,
    } "{reg} has another state when control comes from pc {right} than from pc {left}",
      "bring the endpoint or evidence into one state on all paths";

    /// Two paths meet with different speculations open.
    "V1219" JoinSpeculation {
        /// Where one path comes from: the last instruction before.
        left: u32,
        /// Where the other comes from.
        right: u32,
        /// How many are open on one.
        left_depth: u32,
        /// How many are open on the other.
        right_depth: u32,
    } "{left_depth} speculations are open when control comes from pc {left}, {right_depth} from pc {right}",
      "fork, join and abort alike on all paths";

    /// A register that abort leaves without a value.
    "V1220" ReadAfterAbort {
        /// The register.
        reg: Reg,
    } "{reg} may be read here though abort took back its first write", "write the register before the fork, or after the abort";

    /// An endpoint or evidence of another type than the callee takes.
    "V1221" ArgumentMismatch {
        /// The register.
        reg: Reg,
        /// The parameter, counted from 0.
        param: u32,
    } "{reg} is not what parameter {param} takes", "pass an endpoint in exactly the state that the callee begins with";

    /// An endpoint or evidence of another type than the function gives.
    "V1222" ResultMismatch {
        /// The register.
        reg: Reg,
        /// The result, counted from 0.
        result: u32,
    } "{reg} is not what result {result} is declared to be", "return an endpoint in exactly the declared state";

    /// A tail call of a function whose endpoints come back in other states.
    "V1223" TailResultMismatch {
        /// The result, counted from 0.
        result: u32,
    } "result {result} of the callee is another endpoint or evidence than the function declares",
      "declare the same, or use a call and ret";

    /// A coroutine that would return endpoints to nobody.
    "V1224" SpawnedResult {
        /// The function.
        callee: FuncId,
    } "{callee} gives an endpoint or evidence back, and nobody takes it from a coroutine",
      "spawn a function that keeps and finishes what it is given";

    /// Roles that do not fit together.
    "V1301" ShapeIncoherent {
        /// The shape.
        shape: ShapeId,
    } "the roles of {shape} do not fit together", "make the local types projections of one global type";

    /// Roles of which it is not known whether they fit together.
    "V1302" ShapeUnknown {
        /// The shape.
        shape: ShapeId,
    } "whether the roles of {shape} fit together was not found out within the limits",
      "write its global type, or raise the limits of CoherenceLimits";
        }
    };
}
