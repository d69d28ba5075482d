using System;
using System.Collections.Generic;
using System.Text;
using Microsoft.AspNetCore.Http;
using Thomas.App.Pull;
using Thomas.Runtime;
using Thomas.Studio.Http;
using Thomas.Studio.Models;
using Thomas.Study;
using Thomas.Training;

namespace Thomas.Studio.Calls;

/// <summary>The calls of the API. Those about the program itself are here.</summary>
internal static class AllCalls
{
    /// <summary>All calls.</summary>
    public static Routes Of(StudioHome home)
    {
        Routes routes = new();
        routes.Add("GET", "ready", request => request.Reply(new ReadyReply(true), StudioJson.Default.ReadyReply));
        routes.Add("GET", "about", request => request.Reply(About(home), StudioJson.Default.AboutReply));
        routes.Add("GET", "log", request => request.ReplyText(home.Log.ToText()));
        routes.Add("POST", "shutdown", request =>
        {
            home.AskShutdown();
            return request.ReplyDone(StatusCodes.Status202Accepted);
        });
        ModelCalls.AddTo(routes, home);
        ProjectCalls.AddTo(routes, home);
        ImageCalls.AddTo(routes, home);
        RunCalls.AddTo(routes, home);
        EventCalls.AddTo(routes, home);
        return routes;
    }

    /// <summary>A name that a person gave: one line of so many characters, without blanks around it.</summary>
    /// <exception cref="StudioException">It is not one.</exception>
    public static string Name(string? given, int most, string what)
    {
        string name = given?.Trim() ?? "";
        if (name.Length is 0 || name.Length > most || SessionLabel.Problem(name) is not null || !IsText(name))
        {
            throw new StudioException(400, ErrorCode.NameInvalid, FormattableString.Invariant($"{what} must be one line of 1 to {most} characters."));
        }

        return name;
    }

    private static bool IsText(string name)
    {
        for (int i = 0; i < name.Length; i += Rune.GetRuneAt(name, i).Utf16SequenceLength)
        {
            if (!Rune.TryGetRuneAt(name, i, out _)) return false;
        }

        return true;
    }

    private static AboutReply About(StudioHome home)
    {
        StudioLimits limits = home.Settings.Limits;
        string? pullReason = PullTasks.Problem();
        List<CatalogReply> catalog = [];
        if (pullReason is null)
        {
            foreach (StockModel model in PullTasks.Catalog()) catalog.Add(new CatalogReply(model.Name, model.Description, model.Bytes, model.License));
        }

        SystemSensors sensors = new(home.Settings.SensorRoot);
        (double? battery, bool? isCharging) = sensors.Power();
        EnergyReading energy = EnergyMeter.Begin(sensors).Read();
        return new AboutReply(
            StudioHome.Version,
            Machine.Tier,
            home.Devices.All,
            home.Folder,
            ["en", "de"],
            catalog,
            Sentence.OfNullable(pullReason),
            new SensorReply(sensors.Hottest()?.Celsius, battery, isCharging, energy.Source),
            new LimitReply(limits.ImageBytes, limits.ModelBytes, limits.ImagesPerProject));
    }
}
