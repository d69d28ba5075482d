using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Text.Json;
using Thomas.Study;
using Xunit;

namespace Thomas.Tests.Study;

/// <summary>What is written must be readable: a null is left out, so nothing that may be null can be required.</summary>
public sealed class StudyJsonTests
{
    [Fact]
    public void What_may_be_null_is_not_required()
    {
        List<string> wrong = [];
        NullabilityInfoContext nullability = new();
        foreach (Type type in Records())
        {
            foreach (ParameterInfo parameter in type.GetConstructors().SelectMany(constructor => constructor.GetParameters()))
            {
                bool mayBeNull = nullability.Create(parameter).ReadState == NullabilityState.Nullable;
                if (mayBeNull && !parameter.HasDefaultValue) wrong.Add($"{type.Name}.{parameter.Name}");
            }

            foreach (PropertyInfo property in type.GetProperties())
            {
                bool isRequired = property.GetCustomAttribute<System.Runtime.CompilerServices.RequiredMemberAttribute>() is not null;
                if (isRequired && nullability.Create(property).ReadState == NullabilityState.Nullable) wrong.Add($"{type.Name}.{property.Name}");
            }
        }

        Assert.Empty(wrong);
    }

    [Fact]
    public void A_class_that_is_never_predicted_and_an_epoch_without_validation_come_back()
    {
        StudyEntry entry = new()
        {
            Unit = "u",
            Visit = 0,
            Accuracies =
            [
                new AccuracyRun
                {
                    Id = "id", Experiment = "e", Model = "m", Data = "d", Policy = "all", Device = "cpu", Seed = 1, Checked = "2 images", Labels = ["a", "b"],
                    Seconds = 1,
                    Epochs = [new EpochEntry(1, 0.1f, 2, 0.5, Seconds: 3)],
                    After = new AccuracyReport(0.5, new IntervalReport(0, 1), 0.5, 1, 2, [new ClassMetricsReport("a", 2, 0, 0)]),
                },
            ],
        };
        string json = JsonSerializer.Serialize(entry, StudyJournalJson.Default.StudyEntry);
        Assert.DoesNotContain("null", json, StringComparison.Ordinal);
        StudyEntry? again = JsonSerializer.Deserialize(json, StudyJournalJson.Default.StudyEntry);
        Assert.Equal(json, JsonSerializer.Serialize(again, StudyJournalJson.Default.StudyEntry));
    }

    private static IEnumerable<Type> Records() => typeof(StudyReport).Assembly.GetTypes().Where(
        type => type.Namespace == typeof(StudyReport).Namespace
            && (StudyJson.Default.GetTypeInfo(type) ?? StudyJournalJson.Default.GetTypeInfo(type)) is not null);
}
