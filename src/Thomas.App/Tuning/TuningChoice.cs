namespace Thomas.App.Tuning;

/// <summary>What can be set for a machine without changing a result; 0 is the default of each.</summary>
/// <param name="Threads">Threads to use unless told otherwise.</param>
/// <param name="BlockRows">Rows of the blocks of matrix products.</param>
/// <param name="BlockPanelBytes">Bytes of weights that matrix products read anew for each row of tiles.</param>
internal readonly record struct TuningChoice(int Threads, int BlockRows = 0, int BlockPanelBytes = 0);
