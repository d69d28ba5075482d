// The norm of many tensors together, and the control vector that clips by it.

// Adds what the items of a group hold, in a tree; the sum is part[0] of the first item. The group's size is a power of 2.
#define ADD_UP(part, own) \
    part[get_local_id(0)] = own; \
    for (int half_size = get_local_size(0) / 2; half_size > 0; half_size >>= 1) \
    { \
        barrier(CLK_LOCAL_MEM_FENCE); \
        if (get_local_id(0) < half_size) part[get_local_id(0)] += part[get_local_id(0) + half_size]; \
    }

// A tensor and the group that does its first piece.
#define SLOT(k) ARG(const float, x##k), const int count##k, const int first##k
#define CHOOSE(k) \
    if (group >= first##k) \
    { \
        USE(const float, x##k); \
        x = x##k; \
        count = count##k; \
        first = first##k; \
    }

// sums[at + group] = the sum of x[i]^2 over a piece of one of 16 tensors.
kernel void sum_squares(ARG(float, sums), const int at, const int piece, local float *part, SLOT(0), SLOT(1), SLOT(2), SLOT(3), SLOT(4), SLOT(5), SLOT(6),
    SLOT(7), SLOT(8), SLOT(9), SLOT(10), SLOT(11), SLOT(12), SLOT(13), SLOT(14), SLOT(15))
{
    USE(float, sums);
    const int group = GROUP(0);
    global const float *x = 0;
    int count = 0;
    int first = 0;
    CHOOSE(0) CHOOSE(1) CHOOSE(2) CHOOSE(3) CHOOSE(4) CHOOSE(5) CHOOSE(6) CHOOSE(7)
    CHOOSE(8) CHOOSE(9) CHOOSE(10) CHOOSE(11) CHOOSE(12) CHOOSE(13) CHOOSE(14) CHOOSE(15)
    const int item = get_local_id(0);
    const int items = get_local_size(0);
    const int begin = (group - first) * piece;
    const int size = min(piece, count - begin);
    const int vectors = WIDE == 4 ? size / 4 : 0;
    x += begin;
    float4 squares = (float4)(0.0f);
    for (int i = item; i < vectors; i += items)
    {
        const float4 v = *(global const float4 *)(x + i * 4);
        squares += v * v;
    }

    float own = (squares.x + squares.y) + (squares.z + squares.w);
    for (int i = vectors * 4 + item; i < size; i += items) own += x[i] * x[i];
    ADD_UP(part, own)
    if (item == 0) sums[at + group] = part[0];
}

// n = |control[1]| * sqrt(all sums); y = control, but y[1] = control[1] * bound / n where n > bound. One group. Root and quotient are corrected by their fused
// remainders, since devices may compute them to 3 units in the last place.
kernel void clip_control(ARG(const float, sums), const int count, ARG(const float, control), ARG(float, y), const float bound, local float *part)
{
    USE(const float, sums);
    USE(const float, control);
    USE(float, y);
    float own = 0.0f;
    for (int i = get_local_id(0); i < count; i += get_local_size(0)) own += sums[i];
    ADD_UP(part, own)
    if (get_local_id(0) > 0) return;
    const float sum = part[0];
    float root = sqrt(sum);
    if (root > 0.0f && root < INFINITY) root += fma(-root, root, sum) / (2.0f * root);
    const float norm = root * fabs(control[1]);
    float factor = 1.0f;
    if (norm > bound)
    {
        factor = bound / norm;
        if (norm < INFINITY) factor += fma(-factor, norm, bound) / norm;
    }

    y[0] = control[0];
    y[1] = control[1] * factor;
    y[2] = control[2];
    y[3] = control[3];
}
