"""Draw a photograph with 16 colors: KMeans finds the palette, its labels paint with it."""

import matplotlib.pyplot as plt
from sklearn.datasets import load_sample_image

from ghostflow_learn.cluster import KMeans

photo = load_sample_image("flower.jpg")[::2, ::2] / 255.0
pixels = photo.reshape(-1, 3)

kmeans = KMeans(n_clusters=16, n_init=1, random_state=0).fit(pixels)
painted = kmeans.cluster_centers_[kmeans.labels_].reshape(photo.shape)
print(f"{len(pixels):,} pixels, {kmeans.n_iter_} iterations, mean squared error {kmeans.inertia_ / len(pixels):.5f}")

_, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
left.imshow(photo)
left.set_title("photograph")
right.imshow(painted)
right.set_title(f"{kmeans.n_clusters} colors")
for axes in left, right:
    axes.set_axis_off()
plt.show()
