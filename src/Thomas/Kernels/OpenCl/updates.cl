// Steps of optimizers, in place. 4 elements a work-item, which are neighbors; what no vector holds is done one by one by the last item.
// What changes from step to step is read from memory, what the network's maker chose is an argument.

#define BY_VECTORS(STEP) \
    const int i = get_global_id(0) * WIDE; \
    if (WIDE == 4 && i + 4 <= count) STEP(float4, i) \
    else for (int k = i; k < min(i + WIDE, count); k++) STEP(float, k)

#define AT(T, x, i) *(global const T *)(x + i)
#define RESULT(T, x, i) *(global T *)(x + i)

// kept: max(0, 1 - rate * decay), where NaN stays NaN, if decay is decoupled; coupled: the decay, if it is not.
#define KEPT_AND_COUPLED \
    float kept = decoupled ? 1.0f - rate * decay : 1.0f; \
    if (kept < 0.0f) kept = 0.0f; \
    const float coupled = decoupled ? 0.0f : decay

// g = scale * grad + coupled * w; v = momentum * v + g; w = kept * w - rate * (nesterov ? g + momentum * v : v)
#define SGD(T, i) \
    { \
        const T parameter = AT(T, w, i); \
        const T g = AT(T, grad, i) * scale + coupled * parameter; \
        const T moment = momentum * AT(T, v, i) + g; \
        T direction = moment; \
        if (nesterov) direction = g + momentum * moment; \
        RESULT(T, v, i) = moment; \
        RESULT(T, w, i) = kept * parameter - rate * direction; \
    }

kernel void sgd(ARG(float, w), ARG(float, v), ARG(const float, grad), ARG(const float, control), const int count, const float rate_factor,
    const float momentum, const float decay, const int decoupled, const int nesterov)
{
    USE_ONLY(float, w);
    USE_ONLY(float, v);
    USE(const float, grad);
    USE(const float, control);
    const float rate = control[0] * rate_factor;
    const float scale = control[1];
    KEPT_AND_COUPLED;
    BY_VECTORS(SGD)
}

// g = scale * grad + coupled * w; m = beta1 * m + gain1 * g; v = beta2 * v + gain2 * g * g; w = kept * w - step * m / (root * sqrt(v) + epsilon)
#define ADAM(T, i) \
    { \
        const T parameter = AT(T, w, i); \
        const T g = AT(T, grad, i) * scale + coupled * parameter; \
        const T first = beta1 * AT(T, m, i) + gain1 * g; \
        const T second = beta2 * AT(T, v, i) + gain2 * g * g; \
        RESULT(T, m, i) = first; \
        RESULT(T, v, i) = second; \
        RESULT(T, w, i) = kept * parameter - step * first / (sqrt(second) * root + epsilon); \
    }

kernel void adam(ARG(float, w), ARG(float, m), ARG(float, v), ARG(const float, grad), ARG(const float, control), const int count, const float rate_factor,
    const float beta1, const float gain1, const float beta2, const float gain2, const float epsilon, const float decay, const int decoupled)
{
    USE_ONLY(float, w);
    USE_ONLY(float, m);
    USE_ONLY(float, v);
    USE(const float, grad);
    USE(const float, control);
    const float rate = control[0] * rate_factor;
    const float scale = control[1];
    const float step = rate * control[2];
    const float root = control[3];
    KEPT_AND_COUPLED;
    BY_VECTORS(ADAM)
}

// keep = 0 does not read what the sum holds.
#define SET(T, i) RESULT(T, sum, i) = AT(T, grad, i);
#define ADD(T, i) RESULT(T, sum, i) = AT(T, sum, i) + AT(T, grad, i);

kernel void accumulate(ARG(float, sum), ARG(const float, grad), ARG(const float, keep), const int count)
{
    USE_ONLY(float, sum);
    USE(const float, grad);
    USE(const float, keep);
    if (keep[0] == 0.0f)
    {
        BY_VECTORS(SET)
    }
    else
    {
        BY_VECTORS(ADD)
    }
}

#define AVERAGE(T, i) RESULT(T, average, i) = kept * AT(T, average, i) + gain * AT(T, value, i);

kernel void moving_average(ARG(float, average), ARG(const float, value), const int count, const float kept, const float gain)
{
    USE_ONLY(float, average);
    USE(const float, value);
    BY_VECTORS(AVERAGE)
}

// The same for several tensors, whose distances in their buffers a table has: OpenClJoint of C#. memories: how many distances there are.
#define BY_TABLE(memories, STEP) \
    const int count = entry[memories + 1]; \
    const int i = entry[memories] + get_local_id(0) * WIDE; \
    if (WIDE == 4 && i + 4 <= count) STEP(float4, i) \
    else for (int k = i; k < min(i + WIDE, count); k++) STEP(float, k)
#define ENTRY(memories) global const int *const entry = table + GROUP(0) * (memories + 2)
#define OWN(type, name, at) global type *const name = name##_base + (size_t)entry[at] * 128

kernel void sgd_joint(global float *w_base, global float *v_base, global const float *grad_base, ARG(const float, control), const float rate_factor,
    const float momentum, const float decay, const int decoupled, const int nesterov, global const int *table)
{
    ENTRY(3);
    OWN(float, w, 0);
    OWN(float, v, 1);
    OWN(const float, grad, 2);
    USE(const float, control);
    const float rate = control[0] * rate_factor;
    const float scale = control[1];
    KEPT_AND_COUPLED;
    BY_TABLE(3, SGD)
}

kernel void adam_joint(global float *w_base, global float *m_base, global float *v_base, global const float *grad_base, ARG(const float, control),
    const float rate_factor, const float beta1, const float gain1, const float beta2, const float gain2, const float epsilon, const float decay,
    const int decoupled, global const int *table)
{
    ENTRY(4);
    OWN(float, w, 0);
    OWN(float, m, 1);
    OWN(float, v, 2);
    OWN(const float, grad, 3);
    USE(const float, control);
    const float rate = control[0] * rate_factor;
    const float scale = control[1];
    const float step = rate * control[2];
    const float root = control[3];
    KEPT_AND_COUPLED;
    BY_TABLE(4, ADAM)
}

kernel void accumulate_joint(global float *sum_base, global const float *grad_base, ARG(const float, keep), global const int *table)
{
    ENTRY(2);
    OWN(float, sum, 0);
    OWN(const float, grad, 1);
    USE(const float, keep);
    if (keep[0] == 0.0f)
    {
        BY_TABLE(2, SET)
    }
    else
    {
        BY_TABLE(2, ADD)
    }
}

kernel void moving_average_joint(global float *average_base, global const float *value_base, const float kept, const float gain, global const int *table)
{
    ENTRY(2);
    OWN(float, average, 0);
    OWN(const float, value, 1);
    BY_TABLE(2, AVERAGE)
}
