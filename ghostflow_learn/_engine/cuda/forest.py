from ._bridge import on_cpu

pack = on_cpu("forest.pack")
apply = on_cpu("forest.apply")
predict = on_cpu("forest.predict")
paths = on_cpu("forest.paths")
