using System;
using Thomas.Kernels.Activations;

namespace Thomas.Kernels.Gemm;

/// <summary>
/// Input gradient of a convolution (of one of its groups): for each <see cref="GradientPhase"/> a convolution of dy with the phase's taps as a
/// <see cref="MatrixProduct"/>, m = its pixels of dx, n = input channels, k = its taps * output channels. The filter is packed for it once, whatever the
/// stride. Where too many of those products would be with padding, <see cref="InputGradientScatter"/> does the work.
/// </summary>
internal sealed unsafe class InputGradientProduct
{
    private readonly ConvGeometry _forward;
    private readonly GradientPhase[] _phases;
    private readonly MatrixProduct[] _products;
    private readonly int _outChannels;
    private readonly bool _complete;
    private readonly InputGradientScatter? _scatter;

    /// <summary>Plans the products.</summary>
    /// <param name="forward">The convolution over one group: Channels are the group's input channels, ChannelStride all of them.</param>
    /// <param name="outChannels">Output channels of the group.</param>
    /// <param name="outChannelStride">Output channels of all groups.</param>
    /// <param name="threads">Threads that will share the items; changes how many there are, not the result.</param>
    /// <param name="blocks">How the work is cut; changes no bit of the result.</param>
    public InputGradientProduct(in ConvGeometry forward, int outChannels, int outChannelStride, int threads, BlockSizes? blocks = null)
    {
        (_forward, _outChannels) = (forward, outChannels);
        _phases = GradientPhase.Of(forward, outChannels, outChannelStride, out _complete);
        if (InputGradientScatter.Pays(forward, _phases, outChannels))
        {
            _scatter = new InputGradientScatter(forward, outChannels, outChannelStride, threads);
            (_products, PackItems, PackedBytes, Items, WorkspaceBytes) =
                ([], _scatter.PackItems, _scatter.PackedBytes, _scatter.Items, _scatter.WorkspaceBytes);
            return;
        }

        PackItems = _phases.Length * PackedMatrix.Panels(forward.Channels);
        _products = new MatrixProduct[_phases.Length];
        for (int i = 0; i < _phases.Length; i++)
        {
            _products[i] = MatrixProduct.ForConvolution(_phases[i].Geometry, forward.Channels, Activation.None, threads, blocks);
            Items += _products[i].Items;
            WorkspaceBytes = Math.Max(WorkspaceBytes, _products[i].WorkspaceBytes);
            PackedBytes += Bytes(i);
        }
    }

    /// <summary>Rows of dx to clear before the products run: those of the whole batch, or none if every pixel is written by a product.</summary>
    public int RowsToClear => _complete || _scatter is not null ? 0 : _forward.Batch * _forward.InH;

    /// <summary>Items of packing, independent of each other.</summary>
    public int PackItems { get; }

    /// <summary>Bytes of the packed filter, to be 64-byte aligned.</summary>
    public nuint PackedBytes { get; }

    /// <summary>Work items, independent of each other.</summary>
    public int Items { get; }

    /// <summary>Scratch memory that each running thread needs, in bytes; 64-byte aligned.</summary>
    public nuint WorkspaceBytes { get; }

    /// <summary>Packs the group's filter (OHWI): items [begin, end) of <see cref="PackItems"/>.</summary>
    public void Pack(float* filter, float* packed, int begin, int end)
    {
        if (_scatter is not null)
        {
            _scatter.Pack(filter, packed, begin, end);
            return;
        }

        int panels = PackedMatrix.Panels(_forward.Channels);
        nint tap = _forward.Channels, tapRow = _forward.KernelW * tap;
        for (int i = 0; i < _phases.Length; i++, begin -= panels, end -= panels)
        {
            ref readonly GradientPhase phase = ref _phases[i];
            if (begin < panels && end > 0)
            {
                PackedMatrix.PackBlockPanels(
                    filter + (phase.LastTapH * tapRow) + (phase.LastTapW * tap),
                    phase.Geometry.KernelH, -phase.TapStepH * tapRow, phase.Geometry.KernelW, -phase.TapStepW * tap,
                    _outChannels, _forward.KernelH * tapRow, _forward.Channels, packed, Math.Max(begin, 0), Math.Min(end, panels));
            }

            packed += Bytes(i) / sizeof(float);
        }
    }

    /// <summary>Does items [begin, end).</summary>
    /// <param name="dy">First channel of the group of the first pixel.</param>
    /// <param name="packed">The packed filter.</param>
    /// <param name="dx">First channel of the group of the first pixel.</param>
    /// <param name="begin">First item.</param>
    /// <param name="end">One past the last item.</param>
    /// <param name="workspace">The thread's scratch memory.</param>
    public void RunItems(float* dy, float* packed, float* dx, int begin, int end, byte* workspace)
    {
        if (_scatter is not null)
        {
            _scatter.RunItems(dy, packed, dx, begin, end, workspace);
            return;
        }

        nint pixel = _forward.ChannelStride, row = _forward.InW * pixel;
        for (int i = 0; i < _phases.Length && end > 0; i++)
        {
            ref readonly GradientPhase phase = ref _phases[i];
            MatrixProductArgs args = new()
            {
                A = dy,
                PackedB = packed,
                C = dx + (phase.FirstH * row) + (phase.FirstW * pixel),
                StrideC = _forward.StrideW * pixel,
            };
            if (_forward.StrideH > 1 || _forward.StrideW > 1) (args.RowStrideC, args.ImageStrideC) = (_forward.StrideH * row, _forward.InH * row);
            int items = _products[i].Items;
            if (begin < items) _products[i].RunItems(args, Math.Max(begin, 0), Math.Min(end, items), workspace);
            packed += Bytes(i) / sizeof(float);
            begin -= items;
            end -= items;
        }
    }

    private nuint Bytes(int phase) => PackedMatrix.Bytes(_phases[phase].Geometry.KernelH * _phases[phase].Geometry.KernelW * _outChannels, _forward.Channels);
}
