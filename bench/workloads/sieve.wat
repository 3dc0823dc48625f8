(module
  (memory 1 1)
  (func (export "run") (param $n i64) (result i64)
    (local $total i64) (local $round i64) (local $count i64)
    (local $i i32) (local $j i32) (local $square i32)
    (block $end
      (loop $rounds
        (br_if $end (i64.ge_u (local.get $round) (local.get $n)))
        (local.set $i (i32.const 0))
        (loop $fill
          (i32.store8 (local.get $i) (i32.const 1))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $fill (i32.lt_u (local.get $i) (i32.const 65536))))
        (local.set $i (i32.const 2))
        (block $sum
          (loop $candidates
            (local.set $square (i32.mul (local.get $i) (local.get $i)))
            (br_if $sum (i32.ge_u (local.get $square) (i32.const 65536)))
            (if (i32.load8_u (local.get $i))
              (then
                (local.set $j (local.get $square))
                (loop $marks
                  (i32.store8 (local.get $j) (i32.const 0))
                  (local.set $j (i32.add (local.get $j) (local.get $i)))
                  (br_if $marks (i32.lt_u (local.get $j) (i32.const 65536))))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br $candidates)))
        (local.set $count (i64.const 0))
        (local.set $i (i32.const 2))
        (loop $counts
          (local.set $count (i64.add (local.get $count) (i64.load8_u (local.get $i))))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $counts (i32.lt_u (local.get $i) (i32.const 65536))))
        (local.set $total
          (i64.rem_u
            (i64.add (i64.mul (local.get $total) (i64.const 7)) (local.get $count))
            (i64.const 1000003)))
        (local.set $round (i64.add (local.get $round) (i64.const 1)))
        (br $rounds)))
    (local.get $total)))
