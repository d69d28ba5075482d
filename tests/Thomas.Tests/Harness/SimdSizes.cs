using System.Collections.Generic;

namespace Thomas.Tests.Harness;

/// <summary>Lengths around the vector and tile sizes: 2^i times 1, 2 or 3, and one less and one more.</summary>
internal static class SimdSizes
{
    public static IReadOnlyList<int> UpTo(int largest)
    {
        SortedSet<int> sizes = [];
        for (int power = 1; power <= largest; power *= 2)
        {
            for (int factor = 1; factor <= 3; factor += 2)
            {
                for (int offset = -1; offset <= 1; offset++)
                {
                    int size = (power * factor) + offset;
                    if (size >= 1 && size <= largest) sizes.Add(size);
                }
            }
        }

        return [.. sizes];
    }
}
