(module
  (func $gcd (param $a i64) (param $b i64) (result i64)
    (local $rest i64)
    (block $end
      (loop $loop
        (br_if $end (i64.eqz (local.get $b)))
        (local.set $rest (i64.rem_u (local.get $a) (local.get $b)))
        (local.set $a (local.get $b))
        (local.set $b (local.get $rest))
        (br $loop)))
    (local.get $a))
  (func (export "run") (param $n i64) (result i64)
    (local $total i64) (local $i i64)
    (local.set $i (i64.const 1))
    (block $end
      (loop $head
        (br_if $end (i64.gt_u (local.get $i) (local.get $n)))
        (local.set $total
          (i64.add (local.get $total) (call $gcd (i64.const 963761198400) (local.get $i))))
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br $head)))
    (local.get $total)))
