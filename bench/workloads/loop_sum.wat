(module
  (func (export "run") (param $n i64) (result i64)
    (local $acc i64) (local $i i64)
    (block $end
      (br_if $end (i64.ge_s (local.get $i) (local.get $n)))
      (loop $head
        (local.set $acc
          (i64.xor
            (i64.add (local.get $acc) (local.get $i))
            (i64.mul (local.get $i) (i64.const 25214903917))))
        (if (i64.eqz (i64.and (local.get $i) (i64.const 7)))
          (then (local.set $acc (i64.sub (local.get $acc) (i64.const 19088743)))))
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br_if $head (i64.lt_s (local.get $i) (local.get $n)))))
    (local.get $acc)))
