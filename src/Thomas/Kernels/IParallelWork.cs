namespace Thomas.Kernels;

/// <summary>Work that a thread team splits: independent items, in phases that follow one another.</summary>
internal interface IParallelWork
{
    /// <summary>Does items [begin, end) of a phase on one thread of the team.</summary>
    /// <param name="phase">Which of the object's loops.</param>
    /// <param name="begin">First item.</param>
    /// <param name="end">One past the last item.</param>
    /// <param name="thread">Index of the running thread: picks the scratch memory.</param>
    void Run(int phase, int begin, int end, int thread);
}
