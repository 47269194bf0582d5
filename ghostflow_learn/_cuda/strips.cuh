// Sums of columns in two stages: a thread adds one column of a run of rows, partials are added by the caller in order.
#pragma once
#include "common.cuh"

constexpr int LANES = 32, PARTIALS_PER_BLOCK = 8;

// Which column of which partial a thread owns. Block: 32 lanes over columns, 8 partials.
struct Strip {
    index partial, j, start, stop;

    __device__ Strip(index n_rows, index rows_per_partial)
    {
        partial = index(blockIdx.x) * PARTIALS_PER_BLOCK + threadIdx.y;
        j = index(blockIdx.y) * LANES + threadIdx.x;
        start = min(n_rows, partial * rows_per_partial);
        stop = min(n_rows, start + rows_per_partial);
    }
};
