package android.os;

import java.util.concurrent.DelayQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** The queue of the screen's thread, which a test works off. */
public class Looper {
    static final Looper MAIN = new Looper();

    final DelayQueue<Message> queue = new DelayQueue<>();

    public static Looper getMainLooper() {
        return MAIN;
    }

    /** Delivers messages until something is true, or fails. */
    public static void until(String what, BooleanSupplier done) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!done.getAsBoolean()) {
            if (System.nanoTime() > end) throw new AssertionError("after 60 s not: " + what);
            Message message = MAIN.queue.poll(20, TimeUnit.MILLISECONDS);
            if (message != null) message.handler.callback.handleMessage(message);
        }
    }
}
