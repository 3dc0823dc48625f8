//! Criterion benches of every stage, opforge and execution_tape 0.0.1 side by side on the same bytes, in CPU
//! time of the thread. For ratios that can be trusted on a noisy machine see the bench `ratios`.

#[path = "support/cpu_time.rs"]
mod cpu_time;
mod support;

use cpu_time::CpuTime;
use criterion::{BatchSize, Criterion, Throughput};
use opforge_vm::{Engine, FuelSchedule};
use std::hint::black_box;
use std::time::Duration;
use support::clock;
use support::engines::{Ours, PLENTY, Peer, ours_decode, ours_lower, ours_verify, peer_decode, peer_verify};
use support::{programs, shapes};

fn decode(c: &mut Criterion<CpuTime>) {
    let mut group = c.benchmark_group("decode");
    for shape in shapes::all().iter().filter(|shape| !shape.quadratic_in_peer) {
        group.throughput(Throughput::Bytes(shape.bytes.len() as u64));
        let bytes = &*shape.bytes;
        group.bench_function(format!("opforge/{}", shape.name), |b| b.iter(|| ours_decode(black_box(bytes))));
        group.bench_function(format!("execution_tape/{}", shape.name), |b| {
            b.iter(|| peer_decode(black_box(bytes)));
        });
    }
    group.finish();
}

/// execution_tape's figure includes lowering, which it does in the same step.
fn verify(c: &mut Criterion<CpuTime>) {
    let mut group = c.benchmark_group("verify");
    for shape in shapes::all() {
        group.throughput(Throughput::Elements(shape.instrs as u64));
        let bytes = &*shape.bytes;
        group.bench_function(format!("opforge/{}", shape.name), |b| {
            b.iter_batched(|| ours_decode(bytes), ours_verify, BatchSize::LargeInput);
        });
        if !shape.quadratic_in_peer {
            group.bench_function(format!("execution_tape/{}", shape.name), |b| {
                b.iter_batched(|| peer_decode(bytes), peer_verify, BatchSize::LargeInput);
            });
        }
    }
    group.finish();
}

fn lower(c: &mut Criterion<CpuTime>) {
    let mut group = c.benchmark_group("lower");
    let engine = Engine::default();
    for shape in shapes::all() {
        group.throughput(Throughput::Elements(shape.instrs as u64));
        let verified = ours_verify(ours_decode(&shape.bytes));
        group.bench_function(format!("opforge/{}", shape.name), |b| {
            b.iter_with_large_drop(|| ours_lower(&engine, black_box(&verified)));
        });
    }
    group.finish();
}

fn interpret(c: &mut Criterion<CpuTime>) {
    let mut group = c.benchmark_group("interpret");
    for workload in programs::all() {
        let (result, instrs) = Ours::new(&workload, FuelSchedule::V1).run();
        assert_eq!(result, workload.expected, "{}", workload.name);
        group.throughput(Throughput::Elements(instrs));
        let mut ours = Ours::new(&workload, FuelSchedule::default());
        group.bench_function(format!("opforge/{}", workload.name), |b| b.iter(|| ours.run()));
        let mut peer = Peer::new(&workload, PLENTY);
        group.bench_function(format!("execution_tape/{}", workload.name), |b| b.iter(|| peer.try_run()));
    }
    group.finish();
}

fn main() {
    let mut c = Criterion::default()
        .with_measurement(CpuTime)
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .configure_from_args();
    decode(&mut c);
    verify(&mut c);
    lower(&mut c);
    interpret(&mut c);
    c.final_summary();
}
