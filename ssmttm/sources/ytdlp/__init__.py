"""yt-dlp as a library: what it finds, what licenses the sites state, and downloads that survive the internet."""
