using System.Collections.Generic;
using System.Linq;
using Thomas.Study;

namespace Thomas.App.Studies;

/// <summary>Other programs at the same work, in reports that measured some: model by model, with the ratio to Thomas on as many threads of the CPU.</summary>
internal static class PeerSection
{
    public static List<ReportBlock> Of(IReadOnlyList<TimingCell> cells)
    {
        List<ReportBlock> blocks = [];
        foreach ((string peer, List<TimingCell> measured) in ReportSections.Group(cells.Where(cell => !StudyDevice.IsKnown(cell.Device)), cell => cell.Device))
        {
            bool hasWork = measured.Exists(cell => cell.MultiplyAdds > 0);
            List<ReportColumn> columns = [new("Model", false), new("Work", false), new("Batch"), new("Threads"), new("thomas"), new(peer), new("Ratio")];
            if (hasWork) columns.Add(new("Share of the machine"));
            List<ReportCell[]> rows = [];
            foreach (TimingCell cell in measured)
            {
                TimingCell? own = cells.FirstOrDefault(other => other.Device == "cpu" && SpeedSection.IsDefault(other) && WorkOf(other) == WorkOf(cell));
                if (own is null || own.Samples.Count == 0 || cell.Samples.Count == 0) continue;
                (double ratio, double low, double high) = SampleStatistics.Ratio(
                    SampleStatistics.Seconds(cell.Samples), SampleStatistics.Seconds(own.Samples));
                List<ReportCell> row = [
                    cell.Model, SpeedSection.WorkOf(cell), Format.Invariant($"{cell.Batch}"), Format.Invariant($"{cell.Threads}"),
                    SpeedSection.Time(own.Summary), SpeedSection.Time(cell.Summary),
                    Figures.Ratio(new SpeedUp(own.Id, ratio, low, high, cell.Summary.Gigaflops / own.Summary.Gigaflops))];
                if (hasWork) row.Add(Figures.Percent(ShareOfMachine(own)));
                rows.Add([.. row]);
            }

            if (rows.Count > 0) blocks.Add(new ReportTable($"thomas beside {peer}", columns, rows) { Names = 4 });
        }

        if (blocks.Count > 0)
        {
            blocks.Insert(0, new ReportText(
                "Times are medians with the 95 % interval of the median. A ratio above 1 says how many times as fast thomas is as the other program, which "
                + "took turns with it. The share of the machine is that of the loop of multiply-adds which ran beside thomas; algorithms that need fewer "
                + "multiplications, such as Winograd's, may exceed it."));
        }

        return blocks;
    }

    private static (string, string, string, string, int, int) WorkOf(TimingCell cell) =>
        (cell.Experiment, cell.Stage, cell.Model, cell.Policy, cell.Batch, cell.Threads);

    private static double? ShareOfMachine(TimingCell cell) =>
        cell.MultiplyAdds > 0 ? 2e-9 * cell.MultiplyAdds / cell.Summary.Median / cell.Summary.Gigaflops : null;
}
