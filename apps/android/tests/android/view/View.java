package android.view;

public class View {
    public boolean isScreenKeptOn;

    public void setKeepScreenOn(boolean on) {
        isScreenKeptOn = on;
    }
}
