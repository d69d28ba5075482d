namespace Thomas.Runtime;

/// <summary>Work that a <see cref="ThreadTeam"/> splits over its threads.</summary>
internal interface IParallelWork
{
    /// <summary>Does items <paramref name="begin"/> up to but not including <paramref name="end"/>.</summary>
    /// <param name="phase">The number given to <see cref="ThreadTeam.Run"/>; lets one object hold several loops.</param>
    /// <param name="begin">First item.</param>
    /// <param name="end">One past the last item.</param>
    /// <param name="thread">Index of the running thread, 0 up to <see cref="ThreadTeam.Threads"/> - 1: picks the scratch memory.</param>
    void Run(int phase, int begin, int end, int thread);
}
