//! Bootstrap tables: replaced by tablegen output.
#![no_std]
#![forbid(unsafe_code)]
use opforge_schema::*;
use zerocopy::transmute_ref;
static OPS: &[OpRow; 256] = transmute_ref!(include_bytes!("../blobs/vm.ops.boot"));
static NAMES: &[NameRow; 256] = transmute_ref!(include_bytes!("../blobs/vm.names.boot"));
static TEXT: &[TextRow; 256] = transmute_ref!(include_bytes!("../blobs/vm.text.boot"));
static LOOKUP: &[LookupRow; 107] = transmute_ref!(include_bytes!("../blobs/vm.lookup.boot"));
static CLASSES: &[ClassRow; 12] = transmute_ref!(include_bytes!("../blobs/vm.classes.boot"));
static TYPES: &[TypeRow; 4] = transmute_ref!(include_bytes!("../blobs/vm.types.boot"));
/// The instruction set of the VM.
pub static ISA: Isa<'static> =
    Isa { ops: OPS, names: NAMES, text: TEXT, lookup: LOOKUP, classes: CLASSES, types: TYPES };
/// Opcodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Opcode {
    /// `nop`
    Nop = 0x0000,
    /// `mov`
    Mov = 0x0001,
    /// `trap`
    Trap = 0x0002,
    /// `const.unit`
    ConstUnit = 0x0010,
    /// `const.bool`
    ConstBool = 0x0011,
    /// `const.i64`
    ConstI64 = 0x0012,
    /// `const.u64`
    ConstU64 = 0x0013,
    /// `const.f64`
    ConstF64 = 0x0014,
    /// `const.decimal`
    ConstDecimal = 0x0015,
    /// `const.pool`
    ConstPool = 0x0016,
    /// `dec.add`
    DecAdd = 0x0017,
    /// `dec.sub`
    DecSub = 0x0018,
    /// `dec.mul`
    DecMul = 0x0019,
    /// `f64.add`
    F64Add = 0x001A,
    /// `f64.sub`
    F64Sub = 0x001B,
    /// `f64.mul`
    F64Mul = 0x001C,
    /// `i64.add`
    I64Add = 0x0020,
    /// `i64.sub`
    I64Sub = 0x0021,
    /// `i64.mul`
    I64Mul = 0x0022,
    /// `u64.add`
    U64Add = 0x0023,
    /// `u64.sub`
    U64Sub = 0x0024,
    /// `u64.mul`
    U64Mul = 0x0025,
    /// `u64.and`
    U64And = 0x0026,
    /// `u64.or`
    U64Or = 0x0027,
    /// `i64.eq`
    I64Eq = 0x0028,
    /// `i64.lt`
    I64Lt = 0x0029,
    /// `u64.eq`
    U64Eq = 0x002A,
    /// `u64.lt`
    U64Lt = 0x002B,
    /// `u64.xor`
    U64Xor = 0x002C,
    /// `u64.shl`
    U64Shl = 0x002D,
    /// `u64.shr`
    U64Shr = 0x002E,
    /// `u64.gt`
    U64Gt = 0x002F,
    /// `bool.not`
    BoolNot = 0x0030,
    /// `u64.le`
    U64Le = 0x0031,
    /// `u64.ge`
    U64Ge = 0x0032,
    /// `i64.and`
    I64And = 0x0033,
    /// `u64.to_i64`
    U64ToI64 = 0x0034,
    /// `i64.to_u64`
    I64ToU64 = 0x0035,
    /// `i64.or`
    I64Or = 0x0036,
    /// `i64.xor`
    I64Xor = 0x0037,
    /// `select`
    Select = 0x0038,
    /// `i64.gt`
    I64Gt = 0x0039,
    /// `i64.le`
    I64Le = 0x003A,
    /// `i64.ge`
    I64Ge = 0x003B,
    /// `i64.shl`
    I64Shl = 0x003C,
    /// `i64.shr`
    I64Shr = 0x003D,
    /// `br`
    Br = 0x0040,
    /// `jmp`
    Jmp = 0x0041,
    /// `call`
    Call = 0x0050,
    /// `ret`
    Ret = 0x0051,
    /// `host_call`
    HostCall = 0x0052,
    /// `const.func`
    ConstFunc = 0x0053,
    /// `call.indirect`
    CallIndirect = 0x0054,
    /// `closure.new`
    ClosureNew = 0x0055,
    /// `tuple.new`
    TupleNew = 0x0060,
    /// `tuple.get`
    TupleGet = 0x0061,
    /// `struct.new`
    StructNew = 0x0062,
    /// `struct.get`
    StructGet = 0x0063,
    /// `array.new`
    ArrayNew = 0x0064,
    /// `array.len`
    ArrayLen = 0x0065,
    /// `array.get`
    ArrayGet = 0x0066,
    /// `tuple.len`
    TupleLen = 0x0067,
    /// `struct.field_count`
    StructFieldCount = 0x0068,
    /// `array.get_imm`
    ArrayGetImm = 0x0069,
    /// `bytes.len`
    BytesLen = 0x006A,
    /// `str.len`
    StrLen = 0x006B,
    /// `i64.div`
    I64Div = 0x006C,
    /// `i64.rem`
    I64Rem = 0x006D,
    /// `u64.div`
    U64Div = 0x006E,
    /// `u64.rem`
    U64Rem = 0x006F,
    /// `i64.to_f64`
    I64ToF64 = 0x0070,
    /// `u64.to_f64`
    U64ToF64 = 0x0071,
    /// `f64.to_i64`
    F64ToI64 = 0x0072,
    /// `f64.to_u64`
    F64ToU64 = 0x0073,
    /// `dec.to_i64`
    DecToI64 = 0x0074,
    /// `dec.to_u64`
    DecToU64 = 0x0075,
    /// `i64.to_dec`
    I64ToDec = 0x0076,
    /// `u64.to_dec`
    U64ToDec = 0x0077,
    /// `bytes.eq`
    BytesEq = 0x0078,
    /// `str.eq`
    StrEq = 0x0079,
    /// `bytes.concat`
    BytesConcat = 0x007A,
    /// `str.concat`
    StrConcat = 0x007B,
    /// `bytes.get`
    BytesGet = 0x007C,
    /// `bytes.get_imm`
    BytesGetImm = 0x007D,
    /// `bytes.slice`
    BytesSlice = 0x007E,
    /// `str.slice`
    StrSlice = 0x007F,
    /// `str.to_bytes`
    StrToBytes = 0x0080,
    /// `bytes.to_str`
    BytesToStr = 0x0081,
    /// `f64.div`
    F64Div = 0x0082,
    /// `f64.eq`
    F64Eq = 0x0083,
    /// `f64.lt`
    F64Lt = 0x0084,
    /// `f64.gt`
    F64Gt = 0x0085,
    /// `f64.le`
    F64Le = 0x0086,
    /// `f64.ge`
    F64Ge = 0x0087,
    /// `bool.and`
    BoolAnd = 0x0088,
    /// `bool.or`
    BoolOr = 0x0089,
    /// `bool.xor`
    BoolXor = 0x008A,
    /// `f64.neg`
    F64Neg = 0x008B,
    /// `f64.abs`
    F64Abs = 0x008C,
    /// `f64.min`
    F64Min = 0x008D,
    /// `f64.max`
    F64Max = 0x008E,
    /// `f64.min_num`
    F64MinNum = 0x008F,
    /// `f64.max_num`
    F64MaxNum = 0x0090,
    /// `f64.rem`
    F64Rem = 0x0091,
    /// `f64.to_bits`
    F64ToBits = 0x0092,
    /// `f64.from_bits`
    F64FromBits = 0x0093,
}
impl Opcode {
    /// All.
    pub const ALL: &'static [Self] = &[
        Self::Nop,
        Self::Mov,
        Self::Trap,
        Self::ConstUnit,
        Self::ConstBool,
        Self::ConstI64,
        Self::ConstU64,
        Self::ConstF64,
        Self::ConstDecimal,
        Self::ConstPool,
        Self::DecAdd,
        Self::DecSub,
        Self::DecMul,
        Self::F64Add,
        Self::F64Sub,
        Self::F64Mul,
        Self::I64Add,
        Self::I64Sub,
        Self::I64Mul,
        Self::U64Add,
        Self::U64Sub,
        Self::U64Mul,
        Self::U64And,
        Self::U64Or,
        Self::I64Eq,
        Self::I64Lt,
        Self::U64Eq,
        Self::U64Lt,
        Self::U64Xor,
        Self::U64Shl,
        Self::U64Shr,
        Self::U64Gt,
        Self::BoolNot,
        Self::U64Le,
        Self::U64Ge,
        Self::I64And,
        Self::U64ToI64,
        Self::I64ToU64,
        Self::I64Or,
        Self::I64Xor,
        Self::Select,
        Self::I64Gt,
        Self::I64Le,
        Self::I64Ge,
        Self::I64Shl,
        Self::I64Shr,
        Self::Br,
        Self::Jmp,
        Self::Call,
        Self::Ret,
        Self::HostCall,
        Self::ConstFunc,
        Self::CallIndirect,
        Self::ClosureNew,
        Self::TupleNew,
        Self::TupleGet,
        Self::StructNew,
        Self::StructGet,
        Self::ArrayNew,
        Self::ArrayLen,
        Self::ArrayGet,
        Self::TupleLen,
        Self::StructFieldCount,
        Self::ArrayGetImm,
        Self::BytesLen,
        Self::StrLen,
        Self::I64Div,
        Self::I64Rem,
        Self::U64Div,
        Self::U64Rem,
        Self::I64ToF64,
        Self::U64ToF64,
        Self::F64ToI64,
        Self::F64ToU64,
        Self::DecToI64,
        Self::DecToU64,
        Self::I64ToDec,
        Self::U64ToDec,
        Self::BytesEq,
        Self::StrEq,
        Self::BytesConcat,
        Self::StrConcat,
        Self::BytesGet,
        Self::BytesGetImm,
        Self::BytesSlice,
        Self::StrSlice,
        Self::StrToBytes,
        Self::BytesToStr,
        Self::F64Div,
        Self::F64Eq,
        Self::F64Lt,
        Self::F64Gt,
        Self::F64Le,
        Self::F64Ge,
        Self::BoolAnd,
        Self::BoolOr,
        Self::BoolXor,
        Self::F64Neg,
        Self::F64Abs,
        Self::F64Min,
        Self::F64Max,
        Self::F64MinNum,
        Self::F64MaxNum,
        Self::F64Rem,
        Self::F64ToBits,
        Self::F64FromBits,
    ];
    /// By didx.
    pub const fn from_didx(didx: u16) -> Option<Self> {
        Some(match didx {
            0x0000 => Self::Nop,
            0x0001 => Self::Mov,
            0x0002 => Self::Trap,
            0x0010 => Self::ConstUnit,
            0x0011 => Self::ConstBool,
            0x0012 => Self::ConstI64,
            0x0013 => Self::ConstU64,
            0x0014 => Self::ConstF64,
            0x0015 => Self::ConstDecimal,
            0x0016 => Self::ConstPool,
            0x0017 => Self::DecAdd,
            0x0018 => Self::DecSub,
            0x0019 => Self::DecMul,
            0x001A => Self::F64Add,
            0x001B => Self::F64Sub,
            0x001C => Self::F64Mul,
            0x0020 => Self::I64Add,
            0x0021 => Self::I64Sub,
            0x0022 => Self::I64Mul,
            0x0023 => Self::U64Add,
            0x0024 => Self::U64Sub,
            0x0025 => Self::U64Mul,
            0x0026 => Self::U64And,
            0x0027 => Self::U64Or,
            0x0028 => Self::I64Eq,
            0x0029 => Self::I64Lt,
            0x002A => Self::U64Eq,
            0x002B => Self::U64Lt,
            0x002C => Self::U64Xor,
            0x002D => Self::U64Shl,
            0x002E => Self::U64Shr,
            0x002F => Self::U64Gt,
            0x0030 => Self::BoolNot,
            0x0031 => Self::U64Le,
            0x0032 => Self::U64Ge,
            0x0033 => Self::I64And,
            0x0034 => Self::U64ToI64,
            0x0035 => Self::I64ToU64,
            0x0036 => Self::I64Or,
            0x0037 => Self::I64Xor,
            0x0038 => Self::Select,
            0x0039 => Self::I64Gt,
            0x003A => Self::I64Le,
            0x003B => Self::I64Ge,
            0x003C => Self::I64Shl,
            0x003D => Self::I64Shr,
            0x0040 => Self::Br,
            0x0041 => Self::Jmp,
            0x0050 => Self::Call,
            0x0051 => Self::Ret,
            0x0052 => Self::HostCall,
            0x0053 => Self::ConstFunc,
            0x0054 => Self::CallIndirect,
            0x0055 => Self::ClosureNew,
            0x0060 => Self::TupleNew,
            0x0061 => Self::TupleGet,
            0x0062 => Self::StructNew,
            0x0063 => Self::StructGet,
            0x0064 => Self::ArrayNew,
            0x0065 => Self::ArrayLen,
            0x0066 => Self::ArrayGet,
            0x0067 => Self::TupleLen,
            0x0068 => Self::StructFieldCount,
            0x0069 => Self::ArrayGetImm,
            0x006A => Self::BytesLen,
            0x006B => Self::StrLen,
            0x006C => Self::I64Div,
            0x006D => Self::I64Rem,
            0x006E => Self::U64Div,
            0x006F => Self::U64Rem,
            0x0070 => Self::I64ToF64,
            0x0071 => Self::U64ToF64,
            0x0072 => Self::F64ToI64,
            0x0073 => Self::F64ToU64,
            0x0074 => Self::DecToI64,
            0x0075 => Self::DecToU64,
            0x0076 => Self::I64ToDec,
            0x0077 => Self::U64ToDec,
            0x0078 => Self::BytesEq,
            0x0079 => Self::StrEq,
            0x007A => Self::BytesConcat,
            0x007B => Self::StrConcat,
            0x007C => Self::BytesGet,
            0x007D => Self::BytesGetImm,
            0x007E => Self::BytesSlice,
            0x007F => Self::StrSlice,
            0x0080 => Self::StrToBytes,
            0x0081 => Self::BytesToStr,
            0x0082 => Self::F64Div,
            0x0083 => Self::F64Eq,
            0x0084 => Self::F64Lt,
            0x0085 => Self::F64Gt,
            0x0086 => Self::F64Le,
            0x0087 => Self::F64Ge,
            0x0088 => Self::BoolAnd,
            0x0089 => Self::BoolOr,
            0x008A => Self::BoolXor,
            0x008B => Self::F64Neg,
            0x008C => Self::F64Abs,
            0x008D => Self::F64Min,
            0x008E => Self::F64Max,
            0x008F => Self::F64MinNum,
            0x0090 => Self::F64MaxNum,
            0x0091 => Self::F64Rem,
            0x0092 => Self::F64ToBits,
            0x0093 => Self::F64FromBits,
            _ => return None,
        })
    }
    /// Didx.
    pub const fn didx(self) -> u16 {
        self as u16
    }
    /// Mnemonic.
    pub fn mnemonic(self) -> &'static str {
        ISA.name(self as u16)
    }
}
/// Calls back with all directly lowered ops.
#[macro_export]
macro_rules! with_direct_ops { ($callback:path { $($prefix:tt)* }) => { $callback! { { $($prefix)* }
 direct { (DecAdd binary decimal dec_add)
 (DecSub binary decimal dec_sub)
 (DecMul binary decimal dec_mul)
 (F64Add binary float f64_add)
 (F64Sub binary float f64_sub)
 (F64Mul binary float f64_mul)
 (I64Add binary int i64_add)
 (I64Sub binary int i64_sub)
 (I64Mul binary int i64_mul)
 (U64Add binary int u64_add)
 (U64Sub binary int u64_sub)
 (U64Mul binary int u64_mul)
 (U64And binary int u64_and)
 (U64Or binary int u64_or)
 (I64Eq binary int i64_eq)
 (I64Lt binary int i64_lt)
 (U64Eq binary int u64_eq)
 (U64Lt binary int u64_lt)
 (U64Xor binary int u64_xor)
 (U64Shl binary int u64_shl)
 (U64Shr binary int u64_shr)
 (U64Gt binary int u64_gt)
 (BoolNot unary boolean bool_not)
 (U64Le binary int u64_le)
 (U64Ge binary int u64_ge)
 (I64And binary int i64_and)
 (U64ToI64 unary cast u64_to_i64)
 (I64ToU64 unary cast i64_to_u64)
 (I64Or binary int i64_or)
 (I64Xor binary int i64_xor)
 (I64Gt binary int i64_gt)
 (I64Le binary int i64_le)
 (I64Ge binary int i64_ge)
 (I64Shl binary int i64_shl)
 (I64Shr binary int i64_shr)
 (BytesLen unary text bytes_len)
 (StrLen unary text str_len)
 (I64Div binary int i64_div)
 (I64Rem binary int i64_rem)
 (U64Div binary int u64_div)
 (U64Rem binary int u64_rem)
 (I64ToF64 unary cast i64_to_f64)
 (U64ToF64 unary cast u64_to_f64)
 (F64ToI64 unary cast f64_to_i64)
 (F64ToU64 unary cast f64_to_u64)
 (DecToI64 unary cast dec_to_i64)
 (DecToU64 unary cast dec_to_u64)
 (I64ToDec unary_imm cast i64_to_dec)
 (U64ToDec unary_imm cast u64_to_dec)
 (BytesEq heap_binary text bytes_eq)
 (StrEq heap_binary text str_eq)
 (BytesConcat heap_binary text bytes_concat)
 (StrConcat heap_binary text str_concat)
 (BytesGet heap_binary text bytes_get)
 (BytesGetImm heap_unary_imm text bytes_get_imm)
 (BytesSlice ternary text bytes_slice)
 (StrSlice heap_ternary text str_slice)
 (StrToBytes unary text str_to_bytes)
 (BytesToStr heap_unary text bytes_to_str)
 (F64Div binary float f64_div)
 (F64Eq binary float f64_eq)
 (F64Lt binary float f64_lt)
 (F64Gt binary float f64_gt)
 (F64Le binary float f64_le)
 (F64Ge binary float f64_ge)
 (BoolAnd binary boolean bool_and)
 (BoolOr binary boolean bool_or)
 (BoolXor binary boolean bool_xor)
 (F64Neg unary float f64_neg)
 (F64Abs unary float f64_abs)
 (F64Min binary float f64_min)
 (F64Max binary float f64_max)
 (F64MinNum binary float f64_min_num)
 (F64MaxNum binary float f64_max_num)
 (F64Rem binary float f64_rem)
 (F64ToBits unary cast f64_to_bits)
 (F64FromBits unary cast f64_from_bits) }
 imm { (I64Add I64AddImm int i64_add)
 (I64Sub I64SubImm int i64_sub)
 (I64Mul I64MulImm int i64_mul)
 (U64Add U64AddImm int u64_add)
 (U64Sub U64SubImm int u64_sub)
 (U64Mul U64MulImm int u64_mul)
 (U64And U64AndImm int u64_and)
 (U64Or U64OrImm int u64_or)
 (I64Eq I64EqImm int i64_eq)
 (I64Lt I64LtImm int i64_lt)
 (U64Eq U64EqImm int u64_eq)
 (U64Lt U64LtImm int u64_lt)
 (U64Xor U64XorImm int u64_xor)
 (U64Shl U64ShlImm int u64_shl)
 (U64Shr U64ShrImm int u64_shr)
 (U64Gt U64GtImm int u64_gt)
 (U64Le U64LeImm int u64_le)
 (U64Ge U64GeImm int u64_ge)
 (I64And I64AndImm int i64_and)
 (I64Or I64OrImm int i64_or)
 (I64Xor I64XorImm int i64_xor)
 (I64Gt I64GtImm int i64_gt)
 (I64Le I64LeImm int i64_le)
 (I64Ge I64GeImm int i64_ge)
 (I64Shl I64ShlImm int i64_shl)
 (I64Shr I64ShrImm int i64_shr)
 (I64Div I64DivImm int i64_div)
 (I64Rem I64RemImm int i64_rem)
 (U64Div U64DivImm int u64_div)
 (U64Rem U64RemImm int u64_rem) }
 branch { (I64Eq BrI64Eq BrNotI64Eq BrI64EqImm BrNotI64EqImm int i64_eq)
 (I64Lt BrI64Lt BrNotI64Lt BrI64LtImm BrNotI64LtImm int i64_lt)
 (U64Eq BrU64Eq BrNotU64Eq BrU64EqImm BrNotU64EqImm int u64_eq)
 (U64Lt BrU64Lt BrNotU64Lt BrU64LtImm BrNotU64LtImm int u64_lt)
 (U64Gt BrU64Gt BrNotU64Gt BrU64GtImm BrNotU64GtImm int u64_gt)
 (U64Le BrU64Le BrNotU64Le BrU64LeImm BrNotU64LeImm int u64_le)
 (U64Ge BrU64Ge BrNotU64Ge BrU64GeImm BrNotU64GeImm int u64_ge)
 (I64Gt BrI64Gt BrNotI64Gt BrI64GtImm BrNotI64GtImm int i64_gt)
 (I64Le BrI64Le BrNotI64Le BrI64LeImm BrNotI64LeImm int i64_le)
 (I64Ge BrI64Ge BrNotI64Ge BrI64GeImm BrNotI64GeImm int i64_ge) }
 branch_f { (F64Eq BrF64Eq BrNotF64Eq float f64_eq)
 (F64Lt BrF64Lt BrNotF64Lt float f64_lt)
 (F64Gt BrF64Gt BrNotF64Gt float f64_gt)
 (F64Le BrF64Le BrNotF64Le float f64_le)
 (F64Ge BrF64Ge BrNotF64Ge float f64_ge) } } } }
