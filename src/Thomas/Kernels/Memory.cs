using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Thomas.Kernels;

/// <summary>Copies and fills of short float runs, inlined: the runs of a gathered patch are too short for a call each.</summary>
internal static unsafe class Memory
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Copy(float* source, float* destination, int count)
    {
        if (count >= 64)
        {
            NativeMemory.Copy(source, destination, (nuint)count * sizeof(float));
            return;
        }

        if (count < 4)
        {
            for (int j = 0; j < count; j++)
                destination[j] = source[j];
            return;
        }

        // The last vector may overlap the one before it.
        Vector128<float> tail = Vector128.Load(source + count - 4);
        for (int i = 0; i < count - 4; i += 4)
            Vector128.Load(source + i).Store(destination + i);
        tail.Store(destination + count - 4);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fill(float* destination, int count, float value)
    {
        Vector128<float> v = Vector128.Create(value);
        int i = 0;
        for (; i <= count - 4; i += 4)
            v.Store(destination + i);
        for (; i < count; i++)
            destination[i] = value;
    }
}
