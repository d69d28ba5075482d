package android.webkit;

import android.content.Context;
import android.view.View;

public class WebView extends View {
    public final WebSettings settings = new WebSettings();
    public WebViewClient client;
    public WebChromeClient chrome;
    public String address;
    public int pages;
    public boolean isDestroyed;

    public WebView(Context context) {}

    public WebSettings getSettings() {
        return settings;
    }

    public void setWebViewClient(WebViewClient client) {
        this.client = client;
    }

    public void setWebChromeClient(WebChromeClient chrome) {
        this.chrome = chrome;
    }

    public void loadUrl(String address) {
        this.address = address;
    }

    public boolean canGoBack() {
        return pages > 0;
    }

    public void goBack() {
        pages--;
    }

    public void destroy() {
        if (isDestroyed) throw new IllegalStateException("destroyed twice");
        isDestroyed = true;
    }
}
