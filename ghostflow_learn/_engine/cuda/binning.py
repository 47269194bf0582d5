from ._bridge import on_cpu

find_edges = on_cpu("binning.find_edges")
transform = on_cpu("binning.transform")
