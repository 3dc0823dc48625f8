(module
  (func (export "run") (param $x i64) (result i64)
    (i64.add (local.get $x) (i64.const 1))))
