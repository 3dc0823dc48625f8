(module
  (func (export "run") (param $n i64) (result i64)
    (local $total i64) (local $image i64) (local $y i64) (local $x i64) (local $it i64)
    (local $offset f64) (local $ci f64) (local $cr f64)
    (local $zr f64) (local $zi f64) (local $zr2 f64) (local $zi2 f64)
    (block $end
      (loop $images
        (br_if $end (i64.ge_u (local.get $image) (local.get $n)))
        (local.set $offset
          (f64.mul (f64.convert_i64_u (local.get $image)) (f64.const 0.0009765625)))
        (local.set $y (i64.const 0))
        (block $next_image
          (loop $rows
            (br_if $next_image (i64.ge_u (local.get $y) (i64.const 32)))
            (local.set $ci
              (f64.sub
                (f64.mul (f64.convert_i64_u (local.get $y)) (f64.const 0.078125))
                (f64.const 1.25)))
            (local.set $x (i64.const 0))
            (block $next_row
              (loop $points
                (br_if $next_row (i64.ge_u (local.get $x) (i64.const 32)))
                (local.set $cr
                  (f64.add
                    (f64.sub
                      (f64.mul (f64.convert_i64_u (local.get $x)) (f64.const 0.09375))
                      (f64.const 2))
                    (local.get $offset)))
                (local.set $zr (f64.const 0))
                (local.set $zi (f64.const 0))
                (local.set $it (i64.const 0))
                (block $escaped
                  (loop $inner
                    (local.set $zr2 (f64.mul (local.get $zr) (local.get $zr)))
                    (local.set $zi2 (f64.mul (local.get $zi) (local.get $zi)))
                    (br_if $escaped
                      (f64.gt (f64.add (local.get $zr2) (local.get $zi2)) (f64.const 4)))
                    (local.set $zi
                      (f64.add
                        (f64.mul (f64.mul (f64.const 2) (local.get $zr)) (local.get $zi))
                        (local.get $ci)))
                    (local.set $zr
                      (f64.add (f64.sub (local.get $zr2) (local.get $zi2)) (local.get $cr)))
                    (local.set $it (i64.add (local.get $it) (i64.const 1)))
                    (br_if $inner (i64.lt_u (local.get $it) (i64.const 100)))))
                (local.set $total (i64.add (local.get $total) (local.get $it)))
                (local.set $x (i64.add (local.get $x) (i64.const 1)))
                (br $points)))
            (local.set $y (i64.add (local.get $y) (i64.const 1)))
            (br $rows)))
        (local.set $image (i64.add (local.get $image) (i64.const 1)))
        (br $images)))
    (local.get $total)))
