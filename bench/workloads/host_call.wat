(module
  (import "bench" "ping" (func $ping (param i64) (result i64)))
  (func (export "run") (param $n i64) (result i64)
    (local $x i64) (local $i i64)
    (local.set $x (local.get $n))
    (block $end
      (br_if $end (i64.ge_s (local.get $i) (local.get $n)))
      (loop $head
        (local.set $x (call $ping (local.get $x)))
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br_if $head (i64.lt_s (local.get $i) (local.get $n)))))
    (local.get $x)))
