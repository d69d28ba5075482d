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
        if (count >= 1024)
        {
            NativeMemory.Copy(source, destination, (nuint)count * sizeof(float));
            return;
        }

        int i = 0;
        for (; i <= count - 8; i += 8)
        {
            Vector128<float> low = Vector128.Load(source + i);
            Vector128.Load(source + i + 4).Store(destination + i + 4);
            low.Store(destination + i);
        }

        for (; i < count; i++)
            destination[i] = source[i];
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
