// The sums of the columns of two matrices of the same rows. A group is columns (dimension 0) by lanes (dimension 1, a power of 2), which share the rows.
kernel void add_rows(ARG(const float, a), ARG(const float, b), ARG(float, sum_a), ARG(float, sum_b), const int rows, const int columns_a, const int columns_b,
    local float *sums)
{
    USE_ONLY(const float, a);
    USE_ONLY(const float, b);
    USE_ONLY(float, sum_a);
    USE_ONLY(float, sum_b);
    const int column = get_global_id(0), lane = get_local_id(1), lanes = get_local_size(1), width = get_local_size(0);
    const int place = lane * width + (int)get_local_id(0);
    const bool exists = column < columns_a + columns_b, is_a = column < columns_a;
    global const float *restrict from = is_a ? a + column : b + (column - columns_a);
    const int step = is_a ? columns_a : columns_b, end = exists ? rows : 0;
    float sum = 0;
    int r = lane;
    for (; r + 3 * lanes < end; r += 4 * lanes)
        sum += (from[r * step] + from[(r + lanes) * step]) + (from[(r + 2 * lanes) * step] + from[(r + 3 * lanes) * step]);
    for (; r < end; r += lanes) sum += from[r * step];
    sums[place] = sum;
    for (int reach = lanes / 2; reach > 0; reach /= 2)
    {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < reach)
        {
            sum += sums[place + reach * width];
            sums[place] = sum;
        }
    }

    if (lane == 0 && exists)
    {
        if (is_a) sum_a[column] = sum;
        else sum_b[column - columns_a] = sum;
    }
}
