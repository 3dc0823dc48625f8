(module
  (memory 2 2)
  (func (export "run") (param $n i64) (result i64)
    (local $round i64) (local $sum f64)
    (local $i i32) (local $at i32)
    (local $row i32) (local $row_end i32) (local $column i32)
    (local $a_at i32) (local $b_at i32) (local $c_at i32)
    (loop $fill
      (f64.store (local.get $at)
        (f64.sub
          (f64.mul
            (f64.convert_i32_u (i32.rem_u (local.get $i) (i32.const 17)))
            (f64.const 0.25))
          (f64.const 1)))
      (f64.store offset=32768 (local.get $at)
        (f64.sub
          (f64.mul
            (f64.convert_i32_u (i32.rem_u (local.get $i) (i32.const 13)))
            (f64.const 0.5))
          (f64.const 2)))
      (f64.store offset=65536 (local.get $at) (f64.const 0))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $fill (i32.lt_u (local.get $i) (i32.const 4096))))
    (block $finish
      (loop $rounds
        (br_if $finish (i64.ge_u (local.get $round) (local.get $n)))
        (local.set $row (i32.const 0))
        (local.set $c_at (i32.const 0))
        (loop $rows
          (local.set $row_end (i32.add (local.get $row) (i32.const 512)))
          (local.set $column (i32.const 0))
          (loop $columns
            (local.set $a_at (local.get $row))
            (local.set $b_at (local.get $column))
            (local.set $sum (f64.const 0))
            (loop $terms
              (local.set $sum
                (f64.add
                  (local.get $sum)
                  (f64.mul
                    (f64.load (local.get $a_at))
                    (f64.load offset=32768 (local.get $b_at)))))
              (local.set $a_at (i32.add (local.get $a_at) (i32.const 8)))
              (local.set $b_at (i32.add (local.get $b_at) (i32.const 512)))
              (br_if $terms (i32.lt_u (local.get $a_at) (local.get $row_end))))
            (f64.store offset=65536 (local.get $c_at) (local.get $sum))
            (local.set $c_at (i32.add (local.get $c_at) (i32.const 8)))
            (local.set $column (i32.add (local.get $column) (i32.const 8)))
            (br_if $columns (i32.lt_u (local.get $column) (i32.const 512))))
          (local.set $row (local.get $row_end))
          (br_if $rows (i32.lt_u (local.get $row) (i32.const 32768))))
        (f64.store
          (i32.shl
            (i32.and (i32.wrap_i64 (local.get $round)) (i32.const 4095))
            (i32.const 3))
          (f64.mul
            (f64.load offset=65536
              (i32.shl
                (i32.and
                  (i32.mul (i32.wrap_i64 (local.get $round)) (i32.const 7))
                  (i32.const 4095))
                (i32.const 3)))
            (f64.const 0.015625)))
        (local.set $round (i64.add (local.get $round) (i64.const 1)))
        (br $rounds)))
    (local.set $sum (f64.const 0))
    (local.set $at (i32.const 0))
    (loop $add
      (local.set $sum (f64.add (local.get $sum) (f64.load offset=65536 (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $add (i32.lt_u (local.get $at) (i32.const 32768))))
    (i64.reinterpret_f64 (local.get $sum))))
