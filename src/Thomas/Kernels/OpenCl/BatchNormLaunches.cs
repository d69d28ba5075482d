using System;
using System.Collections.Generic;

namespace Thomas.Kernels.OpenCl;

/// <summary>Launches of batch normalization over the last axis, with an activation that clips.</summary>
internal static class BatchNormLaunches
{
    private const string File = "batchnorm";
    private const string GradientFile = "batchnorm_gradient";
    private const int RowsOfItem = 4;

    /// <summary>y = f((x - mean - rest) / sqrt(variance + epsilon) * scale + shift).</summary>
    /// <param name="rows">Rows of x.</param>
    /// <param name="channels">Channels of x.</param>
    /// <param name="operands">x, scale, shift, mean, variance and, if it is not 0, rest.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="clip">The bounds of f.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch Normalize(
        int rows, int channels, ReadOnlySpan<LaunchArgument> operands, float epsilon, (float Lower, float Upper) clip, OpenClLimits limits)
    {
        bool hasRest = operands.Length > 5;
        return new OpenClLaunch(
            Program(File, limits.ColumnVector(channels)), "normalize_elements", PerElement(rows, channels, limits), new WorkSize(limits.LoopGroup),
            [
                operands[0].As("TX"), .. operands[1..5], hasRest ? operands[5] : operands[3], LaunchArgument.Output().As("TY"), rows, channels, hasRest ? 1 : 0,
                epsilon, clip.Lower, clip.Upper,
            ]);
    }

    /// <summary>Bytes of workspace that <see cref="Moments"/> takes.</summary>
    public static long MomentsBytes(ColumnPlan plan) => plan.Chunks == 1 ? 0 : (2L * plan.Chunks + 1) * plan.Channels * sizeof(float);

    /// <summary>Mean, variance (divided by the count) and what the mean lost when it was rounded.</summary>
    /// <param name="plan">How the rows are cut.</param>
    /// <param name="x">The matrix; macro TX stands for the type of its elements.</param>
    /// <param name="results">Mean, variance, rest.</param>
    /// <param name="workspace">Where <see cref="MomentsBytes"/> may be used.</param>
    public static IEnumerable<OpenClLaunch> Moments(ColumnPlan plan, LaunchArgument x, LaunchArgument[] results, LaunchArgument workspace)
    {
        OpenClProgram program = Program(File, plan.Vector);
        if (plan.Chunks == 1)
        {
            return
            [
                new OpenClLaunch(
                    program, "moments", plan.OneChunk, plan.Group, [x, .. results, plan.Rows, plan.Channels, plan.ChunkRows, .. MomentLocals(plan)]),
            ];
        }

        return
        [
            MomentsOfChunks(plan, x, workspace),
            new OpenClLaunch(
                program, "moments_join", plan.OneChunk, plan.Group,
                [workspace, .. results, plan.Rows, plan.Channels, plan.ChunkRows, plan.Chunks, .. MomentLocals(plan)]),
        ];
    }

    /// <summary>
    /// Mean, variance and what the mean lost when it was rounded, from the moments of blocks of rows: [block][base, mean, square][channel]. Mean and
    /// square, the sum of squared deviations, are relative to the base.
    /// </summary>
    /// <param name="rows">Rows of all blocks.</param>
    /// <param name="channels">Channels.</param>
    /// <param name="blockRows">Rows of a block; the last may have fewer.</param>
    /// <param name="partial">Where the moments of the blocks lie.</param>
    /// <param name="results">Mean, variance, rest.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClLaunch JoinBlocks(
        int rows, int channels, int blockRows, LaunchArgument partial, ReadOnlySpan<LaunchArgument> results, OpenClLimits limits)
    {
        // All lanes that a group has for a column: there are many blocks, and few columns.
        int vector = limits.ColumnVector(channels), columns = channels / vector, blocks = ColumnPlan.Up(rows, blockRows);
        WorkSize group = limits.IsFlat
            ? new WorkSize(Math.Min(limits.SumGroup, ColumnPlan.Power(columns)))
            : new WorkSize(1, Math.Min(limits.SumGroup, ColumnPlan.Power(blocks)));
        LaunchArgument vectors = LaunchArgument.Local(group.Count * vector * sizeof(float));
        return new OpenClLaunch(
            Program(File, vector), "moments_join_blocks", new WorkSize(columns, group.Y), group,
            [partial, .. results, rows, channels, blockRows, blocks, vectors, vectors, LaunchArgument.Local(group.Count * sizeof(float))]);
    }

    /// <summary>Batch normalization with the statistics of the batch: x, scale and shift to y, mean and variance.</summary>
    /// <param name="rows">Rows of x.</param>
    /// <param name="channels">Channels of x.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="clip">The bounds of f.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClKernel Training(int rows, int channels, float epsilon, (float Lower, float Upper) clip, OpenClLimits limits)
    {
        const string Name = "f32_batchnormtraining";
        ColumnPlan plan = new(rows, channels, limits);
        OpenClProgram program = Program(File, plan.Vector);
        LaunchArgument[] operands = [LaunchArgument.Input(0).As("TX"), LaunchArgument.Input(1), LaunchArgument.Input(2)];
        LaunchArgument[] results = [LaunchArgument.Output().As("TY"), LaunchArgument.Output(1), LaunchArgument.Output(2)];
        LaunchArgument[] end = [epsilon, clip.Lower, clip.Upper, .. MomentLocals(plan)];
        if (plan.Chunks == 1)
        {
            return new OpenClKernel($"{Name}_one", new OpenClLaunch(
                program, "moments_normalize", plan.OneChunk, plan.Group, [.. operands, .. results, rows, channels, plan.ChunkRows, .. end]));
        }

        LaunchArgument workspace = LaunchArgument.Workspace();
        if (plan.JoinsEverywhere)
        {
            OpenClLaunch both = new(
                program, "join_normalize", plan.Items, plan.Group, [.. operands, workspace, .. results, rows, channels, plan.ChunkRows, plan.Chunks, .. end]);
            return new OpenClKernel($"{Name}_chunks", MomentsOfChunks(plan, operands[0], workspace), both) { Workspace = MomentsBytes(plan) };
        }

        long restAt = Aligned(MomentsBytes(plan));
        LaunchArgument rest = LaunchArgument.Workspace(restAt);
        return new OpenClKernel($"{Name}_chunks_join", [
            .. Moments(plan, operands[0], [results[1], results[2], rest], workspace),
            Normalize(rows, channels, [.. operands, results[1], results[2], rest], epsilon, clip, limits),
        ])
        {
            Workspace = restAt + ((long)channels * sizeof(float)),
        };
    }

    /// <summary>The gradients of <see cref="Training"/>: x, dy, scale, mean, variance and, if f clips, shift to dx, dScale and dShift.</summary>
    /// <param name="rows">Rows of x.</param>
    /// <param name="channels">Channels of x.</param>
    /// <param name="epsilon">Added to the variance.</param>
    /// <param name="clip">The bounds of f; null if there is none.</param>
    /// <param name="limits">Limits of the device.</param>
    public static OpenClKernel TrainingGradient(int rows, int channels, float epsilon, (float Lower, float Upper)? clip, OpenClLimits limits)
    {
        const string Name = "f32_batchnormtraining_gradient";
        ColumnPlan plan = new(rows, channels, limits);
        OpenClProgram program = Program(GradientFile, plan.Vector);
        LaunchArgument variance = LaunchArgument.Input(4), dScale = LaunchArgument.Output(1), dShift = LaunchArgument.Output(2);
        LaunchArgument[] operands =
        [
            LaunchArgument.Input(0).As("TX"), LaunchArgument.Input(1), LaunchArgument.Input(2), LaunchArgument.Input(clip is null ? 2 : 5),
            LaunchArgument.Input(3), variance,
        ];
        LaunchArgument[] results = [LaunchArgument.Output(), dScale, dShift];
        LaunchArgument[] settings = [epsilon, clip is null ? 0 : 1, clip?.Lower ?? 0, clip?.Upper ?? 0];
        LaunchArgument[] locals = [LaunchArgument.Local(plan.VectorBytes), LaunchArgument.Local(plan.VectorBytes)];
        if (plan.Chunks == 1)
        {
            return new OpenClKernel($"{Name}_one", new OpenClLaunch(
                program, "gradient_all", plan.OneChunk, plan.Group, [.. operands, .. results, rows, channels, plan.ChunkRows, .. settings, .. locals]));
        }

        LaunchArgument workspace = LaunchArgument.Workspace();
        OpenClLaunch sums = new(
            program, "gradient_of_chunks", plan.Items, plan.Group, [.. operands, workspace, rows, channels, plan.ChunkRows, .. settings, .. locals]);
        long bytes = 2L * plan.Chunks * channels * sizeof(float);
        if (plan.JoinsEverywhere)
        {
            OpenClLaunch both = new(
                program, "gradient_join_apply", plan.Items, plan.Group,
                [.. operands, workspace, .. results, rows, channels, plan.ChunkRows, plan.Chunks, .. settings, .. locals]);
            return new OpenClKernel($"{Name}_chunks", sums, both) { Workspace = bytes };
        }

        OpenClLaunch join = new(
            program, "gradient_join", plan.OneChunk, plan.Group, [variance, workspace, dScale, dShift, channels, plan.Chunks, epsilon, .. locals]);
        OpenClLaunch apply = new(
            program, "gradient_apply", PerElement(rows, channels, limits), new WorkSize(limits.LoopGroup),
            [.. operands, dScale, dShift, LaunchArgument.Output(), rows, channels, .. settings]);
        return new OpenClKernel($"{Name}_chunks_join", sums, join, apply) { Workspace = bytes };
    }

    private static OpenClLaunch MomentsOfChunks(ColumnPlan plan, LaunchArgument x, LaunchArgument workspace) => new(
        Program(File, plan.Vector), "moments_of_chunks", plan.Items, plan.Group,
        [x, workspace, plan.Rows, plan.Channels, plan.ChunkRows, plan.Chunks, .. MomentLocals(plan)]);

    private static LaunchArgument[] MomentLocals(ColumnPlan plan) =>
        [LaunchArgument.Local(plan.VectorBytes), LaunchArgument.Local(plan.VectorBytes), LaunchArgument.Local(plan.Group.Count * sizeof(float))];

    private static WorkSize PerElement(int rows, int channels, OpenClLimits limits) =>
        new(channels / limits.ColumnVector(channels) * ColumnPlan.Up(rows, RowsOfItem));

    private static OpenClProgram Program(string file, int vector) => OpenClProgram.Of(file, ("V", DepthwiseLaunches.Text(vector)));

    private static long Aligned(long bytes) => (bytes + 511) / 512 * 512;
}
