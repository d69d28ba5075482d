using System.Collections.Generic;
using Thomas.Study;

namespace Thomas.App.Studies;

/// <summary>What a report has to say, in the order in which it is read; what it has nothing of is left out.</summary>
internal static class ReportSections
{
    public static IReadOnlyList<ReportSection> Of(StudyReport report)
    {
        List<ReportSection> sections = [];
        Add("run", "Machine and run", RunSections.Machine(report.Header));
        Add("notes", "Notes", RunSections.Notes(report.Notes));
        Add("absent", "Not measured", RunSections.Absent(report.Absent));
        Add("speed", "Speed", SpeedSection.Of(report.Timings));
        Add("peers", "Beside other programs", PeerSection.Of(report.Timings));
        Add("kernels", "Where the time goes", KernelSection.Of(report.Kernels));
        Add("accuracy", "Accuracy", AccuracySection.Of(report.Accuracies));
        Add("stages", "Stages of the run", RunSections.Stages(report.Stages));
        Add("sensors", "Temperature, power and clock", SensorSection.Of(report.Sensors));
        Add("published", "Published by others", RunSections.Published(report.Published));
        Add("samples", "Samples", SampleSection.Of(report.Timings));
        return sections;

        void Add(string id, string title, IReadOnlyList<ReportBlock> blocks)
        {
            if (blocks.Count > 0) sections.Add(new ReportSection(id, title, blocks));
        }
    }

    /// <summary>One section by its short name; null if the report has nothing of it.</summary>
    public static ReportSection? Find(StudyReport report, string id)
    {
        foreach (ReportSection section in Of(report))
        {
            if (section.Id == id) return section;
        }

        return null;
    }

    /// <summary>Puts what belongs together into lists, in the order in which it first occurs.</summary>
    internal static List<(TKey Key, List<T> Items)> Group<TKey, T>(IEnumerable<T> items, System.Func<T, TKey> key)
        where TKey : notnull
    {
        List<(TKey Key, List<T> Items)> groups = [];
        Dictionary<TKey, int> places = [];
        foreach (T item in items)
        {
            TKey k = key(item);
            if (!places.TryGetValue(k, out int place))
            {
                place = groups.Count;
                places.Add(k, place);
                groups.Add((k, []));
            }

            groups[place].Items.Add(item);
        }

        return groups;
    }
}
