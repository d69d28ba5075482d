package android.webkit;

public class WebSettings {
    public boolean script, storage, files = true, needsGesture = true;
    public String agent = "Mozilla/5.0";

    public void setJavaScriptEnabled(boolean on) {
        script = on;
    }

    public void setDomStorageEnabled(boolean on) {
        storage = on;
    }

    public void setAllowFileAccess(boolean on) {
        files = on;
    }

    public void setMediaPlaybackRequiresUserGesture(boolean on) {
        needsGesture = on;
    }

    public String getUserAgentString() {
        return agent;
    }

    public void setUserAgentString(String agent) {
        this.agent = agent;
    }
}
