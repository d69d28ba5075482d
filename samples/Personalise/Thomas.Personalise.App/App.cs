using Microsoft.Maui;
using Microsoft.Maui.Controls;
using Microsoft.Maui.Controls.Hosting;
using Microsoft.Maui.Hosting;

namespace Thomas.Personalise.App;

/// <summary>The app: one window with one page.</summary>
public sealed class App : Application
{
    /// <summary>What the platform's entry point starts.</summary>
    public static MauiApp Create()
    {
        MauiAppBuilder builder = MauiApp.CreateBuilder();
        builder.UseMauiApp<App>();
        return builder.Build();
    }

    /// <inheritdoc/>
    protected override Window CreateWindow(IActivationState? activationState) => new(new MainPage());
}
