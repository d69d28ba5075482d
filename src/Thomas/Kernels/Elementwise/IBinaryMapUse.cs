namespace Thomas.Kernels.Elementwise;

/// <summary>Something to do with a map that is chosen at run time; a struct, so that the code is compiled for each map.</summary>
internal interface IBinaryMapUse
{
    /// <summary>Does it.</summary>
    void Invoke<TMap>(TMap map)
        where TMap : struct, IBinaryMap;
}
