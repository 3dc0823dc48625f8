//! Signatures of compiled functions, and of the code that enters them.

use crate::context::{Context, Helper};
use crate::program::Compiled;
use crate::slots::flatten;
use cranelift_codegen::ir::{
    AbiParam, Function, InstBuilder, MemFlagsData as MemFlags, Signature, Type, types,
};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use opforge_vm::ValueType;

/// The signature of the code of a function with these parameters and results.
pub(crate) fn native(params: &[ValueType], results: &[ValueType]) -> Signature {
    of_slots(&flatten(params), &flatten(results))
}

/// Meter and parameters; meter and results. The context is in the pinned register.
pub(crate) fn of_slots(params: &[Type], results: &[Type]) -> Signature {
    let mut signature = Signature::new(CallConv::Tail);
    signature.params = vec![AbiParam::new(types::I64)];
    signature.params.extend(params.iter().map(|&ty| AbiParam::new(ty)));
    signature.returns = vec![AbiParam::new(types::I64)];
    signature.returns.extend(results.iter().map(|&ty| AbiParam::new(ty)));
    signature
}

/// The signature of the code that gets more fuel: it keeps all registers, and finds and leaves everything in the
/// context, so that calling it asks nothing of the registers of hot code.
pub(crate) fn refill() -> Signature {
    Signature::new(CallConv::PreserveAll)
}

/// Translates that code.
pub(crate) fn refill_code(isa: &dyn TargetIsa, ir: &mut Function, context: &mut FunctionBuilderContext) {
    ir.signature = refill();
    let mut builder = FunctionBuilder::new(ir, context);
    let block = builder.create_block();
    builder.switch_to_block(block);
    builder.seal_block(block);
    let flags = MemFlags::trusted();
    let cx = builder.ins().get_pinned_reg(types::I64);
    let compiled = builder.ins().load(types::I64, flags, cx, Context::COMPILED);
    let table = builder.ins().load(types::I64, flags, compiled, Compiled::HELPERS);
    let helper = builder.ins().load(types::I64, flags, table, Helper::REFILL.offset);
    let mut signature = Signature::new(isa.default_call_conv());
    signature.params = vec![AbiParam::new(types::I64)];
    let signature = builder.import_signature(signature);
    builder.ins().call_indirect(signature, helper, &[cx]);
    builder.ins().return_(&[]);
    builder.finalize(isa.frontend_config());
}

/// Parameters of the callee of an indirect call: a closure's environment comes first.
pub(crate) fn with_environment(params: &[ValueType], closure: bool) -> Vec<ValueType> {
    closure.then_some(ValueType::Agg).into_iter().chain(params.iter().copied()).collect()
}

/// Translates the code through which Rust enters functions of one signature: it takes context, code address,
/// meter and the address of the parameters' slots; results go to the context's slots; the meter is returned.
pub(crate) fn trampoline(
    isa: &dyn TargetIsa,
    (params, results): (&[Type], &[Type]),
    ir: &mut Function,
    context: &mut FunctionBuilderContext,
) {
    ir.signature = Signature::new(isa.default_call_conv());
    ir.signature.params = vec![AbiParam::new(types::I64); 4];
    ir.signature.returns = vec![AbiParam::new(types::I64)];
    let mut builder = FunctionBuilder::new(ir, context);
    let block = builder.create_block();
    builder.append_block_params_for_function_params(block);
    builder.switch_to_block(block);
    builder.seal_block(block);
    let &[cx, code, meter, slots] = builder.block_params(block) else { return };
    let flags = MemFlags::trusted();
    // The pinned register belongs to the caller, for whom it is as any other.
    let kept = builder.ins().get_pinned_reg(types::I64);
    builder.ins().set_pinned_reg(cx);
    let mut args = vec![meter];
    for (i, &ty) in params.iter().enumerate() {
        args.push(builder.ins().load(ty, flags, slots, (i * 8) as i32));
    }
    let signature = builder.import_signature(of_slots(params, results));
    let call = builder.ins().call_indirect(signature, code, &args);
    let values = builder.inst_results(call).to_vec();
    if !results.is_empty() {
        let cx = builder.ins().get_pinned_reg(types::I64);
        let spill = builder.ins().load(types::I64, flags, cx, Context::SPILL);
        for (i, &value) in values.iter().skip(1).enumerate() {
            let narrow = builder.func.dfg.value_type(value) == types::I8;
            let value = if narrow { builder.ins().uextend(types::I64, value) } else { value };
            builder.ins().store(flags, value, spill, (i * 8) as i32);
        }
    }
    builder.ins().set_pinned_reg(kept);
    let meter = values.first().copied().unwrap_or(meter);
    builder.ins().return_(&[meter]);
    builder.finalize(isa.frontend_config());
}
