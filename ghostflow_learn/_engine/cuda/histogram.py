from ._bridge import on_cpu

pack = on_cpu("histogram.pack")
build = on_cpu("histogram.build")
