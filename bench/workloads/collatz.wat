(module
  (func (export "run") (param $n i64) (result i64)
    (local $total i64) (local $i i64) (local $x i64) (local $steps i64)
    (local.set $i (i64.const 1))
    (block $end
      (loop $outer
        (br_if $end (i64.gt_u (local.get $i) (local.get $n)))
        (local.set $x (local.get $i))
        (local.set $steps (i64.const 0))
        (block $next
          (br_if $next (i64.eq (local.get $x) (i64.const 1)))
          (loop $inner
            (if (i64.eqz (i64.rem_u (local.get $x) (i64.const 2)))
              (then (local.set $x (i64.div_u (local.get $x) (i64.const 2))))
              (else
                (local.set $x
                  (i64.add (i64.mul (local.get $x) (i64.const 3)) (i64.const 1)))))
            (local.set $steps (i64.add (local.get $steps) (i64.const 1)))
            (br_if $inner (i64.ne (local.get $x) (i64.const 1)))))
        (local.set $total
          (i64.rem_u
            (i64.add (i64.mul (local.get $total) (i64.const 31)) (local.get $steps))
            (i64.const 1000000007)))
        (local.set $i (i64.add (local.get $i) (i64.const 1)))
        (br $outer)))
    (local.get $total)))
