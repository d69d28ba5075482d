using System;
using Thomas.Graphs;
using Thomas.Passes;

namespace Thomas.Runtime;

/// <summary>Compiles for a batch, or says which is the largest that the machine can hold.</summary>
internal static class BatchFit
{
    /// <summary>Compiles a graph for a batch.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The batch is below 1.</exception>
    /// <exception cref="ThomasException">The batch does not fit; the message names the largest that does.</exception>
    /// <exception cref="GraphException">The graph takes no other batch than its own.</exception>
    public static CompiledGraph Compile(Graph graph, int batch, CompileOptions options)
    {
        ArgumentNullException.ThrowIfNull(graph);
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        long free = FreeMemory.Bytes;
        try
        {
            CompiledGraph compiled = CompiledGraph.Create(Rebatch.Run(graph, batch), options);
            if (batch == 1 || compiled.SizeBytes <= free) return compiled;
        }
        catch (GraphException) when (batch > 2 && SizeOf(graph, 2, options) is not null)
        {
            // Smaller batches are possible: tensors would have too many elements, not a wrong shape.
        }

        int fits = 0, tooMany = batch;
        while (tooMany - fits > 1)
        {
            int middle = fits + ((tooMany - fits) / 2);
            if (SizeOf(graph, middle, options) is long size && size <= free) fits = middle;
            else tooMany = middle;
        }

        throw new ThomasException(fits == 0
            ? $"Not even a batch of 1 fits in the {ByteSize.Format(free)} of free memory."
            : $"A batch of {batch} does not fit in the {ByteSize.Format(free)} of free memory; the largest that fits is {fits}.");
    }

    private static long? SizeOf(Graph graph, int batch, CompileOptions options)
    {
        try
        {
            return CompiledGraph.Create(Rebatch.Run(graph, batch), options).SizeBytes;
        }
        catch (GraphException)
        {
            return null;
        }
    }
}
