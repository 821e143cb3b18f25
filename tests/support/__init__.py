"""What tests, demo and benchmarks share: private services, the programs under test, web sites to crawl."""
